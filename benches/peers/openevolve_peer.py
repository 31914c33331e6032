"""OpenEvolve on a served world: its own loop, prompts and parsers, through `run_evolution` and a configuration such as a user writes."""

import importlib.metadata
import logging
import os
import signal
import tempfile

import openevolve
from openevolve.config import Config

from openevolve_evaluator import with_marks, without_marks
from served_world import answer_jobs

EVALUATOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openevolve_evaluator.py")
# What a user may turn without changing the program, on top of its defaults (five islands, edits as diffs).
CONFIGURATIONS = {
    "default": {},
    "one-island": {"database": {"num_islands": 1}},
    "full-rewrite": {"diff_based_evolution": False},
}
# An answer that does not parse costs OpenEvolve an iteration and no episode; the ledger is to end the run, not the iterations.
ITERATIONS_PER_PASS = 4


def run(world, configuration):
    os.environ["PEERS_WORLD_URL"] = world.url  # for the evaluation file, which OpenEvolve loads anew
    with tempfile.TemporaryDirectory(prefix="peers-openevolve-") as folder:
        program = os.path.join(folder, "policy.md")
        with open(program, "w", encoding="utf-8") as file:
            file.write(with_marks(world.start))
        try:
            result = openevolve.run_evolution(
                initial_program=program,
                evaluator=EVALUATOR,
                config=Config.from_dict(settings(world, configuration)),
                iterations=ITERATIONS_PER_PASS * world.budget // len(world.scenarios),
                output_dir=os.path.join(folder, "output"),
            )
        finally:
            forget_run()
    best = result.best_program
    if best is None or "combined_score" not in best.metrics:
        raise RuntimeError("no program was evaluated")
    return {
        "policy": without_marks(best.code),
        "scores": {scenario["name"]: best.metrics[scenario["name"]] for scenario in world.scenarios},
        "reported_by_peer": best.metrics["combined_score"],
    }


def settings(world, configuration):
    shared = {
        "language": "markdown",
        "random_seed": world.seed,
        "log_level": "CRITICAL",
        "checkpoint_interval": 10**9,
        # Its own way to end on an event: the evaluator's figure reaches the threshold.
        "early_stopping_patience": -1,
        "early_stopping_metric": "ledger_spent",
        "convergence_threshold": 1.0,
        "llm": {"api_base": world.url + "/v1", "api_key": "none", "retries": 0, "models": [{"name": "writer"}]},
        "evaluator": {"max_retries": 0, "cascade_evaluation": False},
    }
    return {**shared, **CONFIGURATIONS[configuration]}


def forget_run():
    """OpenEvolve leaves its log handlers and signal handlers in the process, which serves further jobs."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    answer_jobs("openevolve", importlib.metadata.version("openevolve"), CONFIGURATIONS, run)
