"""The evaluation file that OpenEvolve loads in its worker: one pass of the policy over the scenarios of the served world."""

import functools
import os

from openevolve.evaluation_result import EvaluationResult

from served_world import LedgerSpent, World, feedback

MARKS = ("<!-- EVOLVE-BLOCK-START -->", "<!-- EVOLVE-BLOCK-END -->")


@functools.cache
def served():
    return World(os.environ["PEERS_WORLD_URL"])


def evaluate(program_path):
    with open(program_path, encoding="utf-8") as file:
        policy = without_marks(file.read())
    world = served()
    try:
        episodes = [world.episode(scenario, policy) for scenario in world.scenarios]
    except LedgerSpent:
        # The run ends on this figure, and a pass cut short is never the best one.
        return EvaluationResult(metrics={"combined_score": -1.0, "ledger_spent": 1.0})
    scores = {episode.scenario: episode.score for episode in episodes}
    return EvaluationResult(
        metrics={"combined_score": world.objective(scores), **scores},
        artifacts={"feedback": feedback(world, episodes)},
    )


def with_marks(policy):
    return "\n".join([MARKS[0], policy.strip("\n"), MARKS[1], ""])


def without_marks(program):
    return "\n".join(line for line in program.split("\n") if line.strip() not in MARKS)
