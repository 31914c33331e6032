"""GEPA on a served world: its own loop, prompt and parser, through the adapter interface that it documents."""

import importlib.metadata
import re

import gepa
from gepa.core.adapter import EvaluationBatch

from served_world import LedgerSpent, answer_jobs, feedback

# What a user may turn without changing the program. `sections` and `repeats` say what GEPA is given, the rest goes to `gepa.optimize`.
CONFIGURATIONS = {
    "default": {},
    # Merging recombines components, so the policy is given as one component for each section.
    "merge": {"sections": True, "use_merge": True},
    # The answer to a noisy metric in its issue tracker: every scenario stands in the validation set three times.
    "validation-3": {"repeats": 3},
    "current-best": {"candidate_selection_strategy": "current_best"},
    "minibatch-all": {"minibatch": "all"},
}


def run(world, configuration):
    settings = dict(CONFIGURATIONS[configuration])
    split = sections if settings.pop("sections", False) else whole
    repeats = settings.pop("repeats", 1)
    if settings.pop("minibatch", None):
        settings["reflection_minibatch_size"] = len(world.scenarios)
    adapter = Adapter(world)
    result = gepa.optimize(
        seed_candidate=split(world.start),
        trainset=world.scenarios,
        valset=world.scenarios * repeats,
        adapter=adapter,
        reflection_lm=adapter.written,
        max_metric_calls=world.budget,
        seed=world.seed,
        # A spent ledger is an exception inside GEPA; with these two it ends the run and keeps the candidates.
        raise_on_exception=False,
        stop_callbacks=lambda state: adapter.ended is not None,
        logger=Silent(),
        **settings,
    )
    if adapter.ended and not isinstance(adapter.ended, LedgerSpent):
        raise adapter.ended
    best = result.best_idx
    return {
        "policy": joined(result.candidates[best]),
        "scores": by_scenario(world, result.val_subscores[best]),
        "reported_by_peer": result.val_aggregate_scores[best],
    }


class Adapter:
    propose_new_texts = None  # GEPA's own proposer, with its own prompt

    def __init__(self, world):
        self.world = world
        self.ended = None

    def evaluate(self, batch, candidate, capture_traces=False):
        episodes = [self.kept(self.world.episode, scenario, joined(candidate)) for scenario in batch]
        return EvaluationBatch(
            outputs=[{"score": episode.score} for episode in episodes],
            # GEPA takes plain means; so they come to the weighted one.
            scores=[episode.score * emphasis(self.world, episode.scenario) for episode in episodes],
            trajectories=list(zip(batch, episodes)) if capture_traces else None,
        )

    def make_reflective_dataset(self, candidate, eval_batch, components_to_update):
        records = [
            {
                "Inputs": {"scenario": scenario["name"], "task": scenario.get("prompt") or "The tasks of this scenario."},
                "Generated Outputs": f"{sum(check['passed'] for check in episode.checks)} checks passed",
                "Feedback": feedback(self.world, [episode]),
            }
            for scenario, episode in eval_batch.trajectories
        ]
        return {component: records for component in components_to_update}

    def written(self, prompt):
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return self.kept(self.world.written, messages)

    def kept(self, ask, *arguments):
        """GEPA goes on after an exception, so the reason to stop is kept for its stop rule."""
        try:
            return ask(*arguments)
        except Exception as error:
            self.ended = error
            raise


class Silent:
    def log(self, message):
        pass


def whole(policy):
    return {"policy": policy}


def sections(policy):
    """One component for each section, with what stands above the first; their names keep the order."""
    above, *parts = re.split(r"(?m)^(?=## )", policy)
    parts = [above + parts[0], *parts[1:]] if parts else [above]
    return {f"section {number:02}": part.strip() for number, part in enumerate(parts, 1)}


def joined(candidate):
    if len(candidate) == 1:
        return next(iter(candidate.values()))
    return "\n\n".join(candidate[name] for name in sorted(candidate)) + "\n"


def emphasis(world, scenario):
    return world.shares[scenario] * len(world.scenarios)


def by_scenario(world, scores):
    """Means over the places that a scenario has in the validation set, without the emphasis."""
    gathered = {scenario["name"]: [] for scenario in world.scenarios}
    for place, score in scores.items():
        name = world.scenarios[place % len(world.scenarios)]["name"]
        gathered[name].append(score / emphasis(world, name))
    return {name: sum(values) / len(values) for name, values in gathered.items()}


if __name__ == "__main__":
    answer_jobs("gepa", importlib.metadata.version("gepa"), CONFIGURATIONS, run)
