"""A world served by `optimize lab --serve`, as a peer's adapter sees it, and the loop in which an adapter answers jobs.

Knows the protocol and nothing of any peer. Uses Python's own library only, so that each peer's environment holds that peer's packages alone.
"""

import hashlib
import json
import os
import sys
import time
import traceback
import urllib.error
import urllib.request

# A proxy of the machine has no business between two programs on it.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
LIMITS = {"time_ms": 180000, "model_calls": 30}


class LedgerSpent(Exception):
    """The world's budget of episodes is spent: the run ends with what it has."""


class World:
    def __init__(self, url):
        self.url = url
        described = self.asked("/world")
        self.scenarios = described["scenarios"]
        self.start = described["start"]
        self.rho = described["rho"]
        self.name, self.seed, self.budget = described["world"], described["seed"], described["budget"]
        self.evaluated = 0
        total = sum(scenario["weight"] for scenario in self.scenarios)
        self.shares = {scenario["name"]: scenario["weight"] / total for scenario in self.scenarios}

    def episode(self, scenario, policy):
        """One fresh episode of the policy on the scenario, which the ledger counts."""
        request = {
            "version": 1,
            "scenario": {"name": scenario["name"], "prompt": scenario.get("prompt", ""), "tools": scenario.get("tools", [])},
            "pack": {"hash": hashlib.sha256(policy.encode()).hexdigest(), "files": {"AGENTS.md": policy}},
            "repeat": 0,
            "seed": self.evaluated,
            "limits": LIMITS,
            "persona": None,
        }
        reply = self.asked("/episode", request)
        self.evaluated += 1
        return Episode(scenario["name"], reply)

    def objective(self, scores):
        """What `optimize` maximises, from one score per scenario: the weighted mean less `rho` times the weighted variance."""
        mean = sum(self.shares[name] * score for name, score in scores.items())
        return mean - self.rho * sum(self.shares[name] * (score - mean) ** 2 for name, score in scores.items())

    def written(self, messages):
        """The served writer's answer, for a peer that takes any function as its model."""
        reply = self.asked("/v1/chat/completions", {"model": "writer", "messages": messages})
        return reply["choices"][0]["message"]["content"]

    def asked(self, path, body=None, token=None):
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with OPENER.open(urllib.request.Request(self.url + path, data, headers), timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            if path == "/episode" and error.code == 403:
                raise LedgerSpent(said) from None
            raise RuntimeError(f"{path} answered {error.code}: {said[:200]}") from None


class Episode:
    """What became of one episode: the share of points earned, and which checks passed."""

    def __init__(self, scenario, reply):
        self.scenario = scenario
        self.outcome = reply.get("outcome", "finished")
        self.checks = reply.get("checks", [])
        self.possible = sum(check["max_points"] for check in self.checks)
        self.score = sum(check["points"] for check in self.checks) / self.possible if self.possible else 0.0


def feedback(world, episodes):
    """Everything a person would tell the writer: each check by its id, failed ones first, and those first that are worth the most."""
    judged = [(episode, check) for episode in episodes for check in episode.checks]

    def order(pair):
        episode, check = pair
        return check["passed"], -world.shares[episode.scenario] * check["max_points"] / episode.possible

    lines = [
        f"Scenario {episode.scenario}: score {episode.score:.3f}, "
        f"{sum(check['passed'] for check in episode.checks)} of {len(episode.checks)} checks passed, outcome {json.dumps(episode.outcome)}."
        for episode in episodes
    ]
    for episode, check in sorted(judged, key=order):
        verdict = "passed" if check["passed"] else "FAILED"
        about = f"scenario {episode.scenario}, {check.get('category', 'general')}, {check['max_points']:g} points"
        evidence = f": {check['evidence']}" if check.get("evidence") else ""
        lines.append(f"- {verdict} {check['id']} ({about}){evidence}")
    return "\n".join(lines)


def answer_jobs(peer, version, configurations, run):
    """Runs each job that stands on a line of standard input; writes one line of JSON for each.

    `run(world, configuration)` gives the policy that the peer would hand to its user, the scores by scenario for which it
    chose that policy, and its own figure. One process serves many jobs, because a peer's imports take longer than a run.
    """
    if "--configurations" in sys.argv:
        print(*configurations)
        return
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer's library prints is no answer
    for line in sys.stdin:
        job = json.loads(line)
        row = {"peer": peer, "version": version, "configuration": job["configuration"], "world": job["world"], "seed": job["seed"]}
        began = time.monotonic()
        try:
            world = World(job["url"])
            row["budget"] = world.budget
            chosen = run(world, job["configuration"])
            row["seconds"] = round(time.monotonic() - began, 3)
            row.update(judged(world, job["judge_token"], chosen))
        except Exception as error:
            traceback.print_exc()
            row["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(row), file=answers, flush=True)


def judged(world, token, chosen):
    truth = world.asked("/judge", {"policy": chosen["policy"]}, token)
    ledger = world.asked("/ledger", token=token)
    if world.budget - ledger["episodes"] > len(world.scenarios):
        raise RuntimeError(f"only {ledger['episodes']} of {world.budget} episodes were spent, with {ledger['writer_calls']} answers of the writer")
    return {
        "episodes": ledger["episodes"],
        "writer_calls": ledger["writer_calls"],
        "kept_start": chosen["policy"].split() == world.start.split(),
        "reported": world.objective(chosen["scores"]),
        "reported_by_peer": chosen["reported_by_peer"],
        "start": truth["start"],
        "value": truth["value"],
        "gain": truth["value"] - truth["start"],
    }
