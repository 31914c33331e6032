"""Runs GEPA and OpenEvolve on served worlds, this program's own strategies on the same worlds, and prints one table for each family.

Every run of a peer gets a server of its own, which is ended by its process id. Rows are written to a file as they come.
"""

import argparse
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time

import table
from processes import HERE, Server, Started, Worker

FAMILIES = ["default", "noisy", "rugged", "non-local", "neutral", "harmful", "null", "long"]
# The first of a peer is what it does when nothing is said.
PEERS = {
    "gepa": ["default", "merge", "validation-3"],
    "openevolve": ["default", "one-island", "full-rewrite"],
}
START_SECONDS_MAX = 20


def main():
    arguments = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    began = time.monotonic()
    ours = strategies(arguments)
    done = earlier_rows(arguments) if arguments.resume else []
    rows = done + run_all(arguments, jobs(arguments, done))
    print_tables(arguments, ours, rows)
    note(f"{len(rows) - len(done)} runs of peers in {time.monotonic() - began:.0f} s; rows in {arguments.output}")
    wrong = [row for row in rows if "error" in row]
    for row in wrong:
        note(f"{name_of(row)} in {row['world']} {row['seed']}: {row['error']}")
    return 1 if wrong else 0


def parsed():
    words = argparse.ArgumentParser(prog="run", description=__doc__.splitlines()[0])
    names = lambda text: text.split(",")
    words.add_argument("--optimize", required=True, metavar="PATH", help="the program")
    words.add_argument("--worlds", type=names, default=FAMILIES, help="families by name or file, separated by commas [all by name]")
    words.add_argument("--peers", type=names, default=list(PEERS), help="gepa,openevolve")
    words.add_argument("--configurations", type=names, help="instead of each peer's three; a peer skips what is not its own")
    words.add_argument("--strategies", default="all", help="ours, as in `optimize lab --strategies`; none: leave ours out")
    words.add_argument("--seeds", type=int, default=30, help="worlds of each family [30]")
    words.add_argument("--first-seed", type=int, default=1000)
    words.add_argument("--budget", type=int, help="episodes of a run [what the family says]")
    words.add_argument("--jobs", type=int, default=1, help="runs at once [1]")
    words.add_argument("--timeout", type=int, default=300, help="seconds after which a run is given up [300]")
    rows = os.path.join(os.environ.get("PEERS_FOLDER", "."), "peers.jsonl")
    words.add_argument("--output", default=rows, help="one line of JSON for each run [peers.jsonl in the peers' folder]")
    words.add_argument("--ours", metavar="FILE", help="what `optimize lab --json FILE` wrote for the same worlds, instead of running it")
    words.add_argument("--resume", action="store_true", help="keep the rows that the output has already, failed ones excepted")
    words.add_argument("--any-build", action="store_true", help="with --resume: also rows of other builds, where the worlds are the same")
    return words.parse_args()


# ---- the peers

def jobs(arguments, done):
    """What is to be run and is not known yet."""
    known = {key_of(row) for row in done}
    todo = [
        {"peer": peer, "configuration": configuration, "world": world, "seed": seed}
        for peer in arguments.peers
        for configuration in configurations(arguments, peer)
        for world in arguments.worlds
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    ]
    return [job for job in todo if key_of(job) not in known]


def configurations(arguments, peer):
    if not arguments.configurations:
        return PEERS[peer]
    # Each peer's file says which it has.
    own = subprocess.run([sys.executable, os.path.join(HERE, f"{peer}_peer.py"), "--configurations"], capture_output=True, text=True, check=True)
    return [name for name in arguments.configurations if name in own.stdout.split()]


def key_of(row):
    return row["peer"], row["configuration"], row["world"], row["seed"]


def name_of(row):
    return f"{row['peer']} {row['configuration']}"


def earlier_rows(arguments):
    if not os.path.exists(arguments.output):
        return []
    with open(arguments.output, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    wanted = {(world, seed) for world in arguments.worlds for seed in seeds}
    program = digest(arguments.optimize)

    def is_kept(row):
        same = row["budget_asked"] == arguments.budget and (arguments.any_build or row["optimize"] == program)
        return same and "error" not in row and (row["world"], row["seed"]) in wanted

    # Of a run that was done again, the last row counts.
    return list({key_of(row): row for row in rows if is_kept(row)}.values())


def run_all(arguments, todo):
    program = digest(arguments.optimize)
    waiting = queue.SimpleQueue()
    for job in todo:
        waiting.put(job)
    rows, stop = [], threading.Event()
    written = threading.Lock()
    with open(arguments.output, "a" if arguments.resume else "w", encoding="utf-8") as file:

        def work():
            workers = {}
            try:
                while not stop.is_set():
                    job = waiting.get_nowait()
                    row = {**one_run(arguments, workers, job), "optimize": program, "budget_asked": arguments.budget}
                    with written:
                        rows.append(row)
                        print(json.dumps(row), file=file, flush=True)
                        if len(rows) % 50 == 0:
                            note(f"{len(rows)} of {len(todo)} runs")
            except queue.Empty:
                pass
            finally:
                for worker in workers.values():
                    worker.end()

        threads = [threading.Thread(target=work) for _ in range(max(1, arguments.jobs))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            stop.set()
            for started in list(Started.running):  # none, unless this was interrupted
                started.kill()
            for thread in threads:
                thread.join()
    return rows


def one_run(arguments, workers, job):
    peer = job["peer"]
    server = None
    try:
        server = Server(arguments.optimize, job["world"], job["seed"], arguments.budget)
        said = server.line(START_SECONDS_MAX)
        if peer not in workers:
            workers[peer] = Worker(peer)
        return workers[peer].asked({**said, **job}, arguments.timeout)
    except Exception as error:
        if peer in workers:
            workers.pop(peer).end()
        return {**job, "error": f"{type(error).__name__}: {error}"}
    finally:
        if server:
            server.end()


# ---- ours, and the tables

def strategies(arguments):
    """What our strategies did in the same worlds: family, then strategy, then nights."""
    if arguments.ours:
        return read_ours(arguments.ours)
    if arguments.strategies == "none":
        return {}
    ours = {}
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "lab.json")
        for world in arguments.worlds:
            command = [arguments.optimize, "lab", "--world", world, "--strategies", arguments.strategies, "--json", file]
            command += ["--seeds", str(arguments.seeds), "--first-seed", str(arguments.first_seed), "--jobs", str(arguments.jobs)]
            if arguments.budget:
                command += ["--budget", str(arguments.budget)]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            ours[world] = next(iter(read_ours(file).values()))  # by the name of its file, where it is one
    return ours


def read_ours(file):
    with open(file, encoding="utf-8") as opened:
        document = json.load(opened)
    return {
        family["world"]: {strategy["strategy"]: strategy["nights"] for strategy in family["strategies"]}
        for family in document["families"]
    }


def print_tables(arguments, ours, rows):
    good = [row for row in rows if "error" not in row]
    for world in arguments.worlds:
        here = [row for row in good if row["world"] == world]
        shown = dict(ours.get(world, {}))
        for peer in arguments.peers:
            by_configuration = {
                configuration: [night(row) for row in here if row["peer"] == peer and row["configuration"] == configuration]
                for configuration in configurations(arguments, peer)
            }
            shown.update({f"{peer} {configuration}": nights for configuration, nights in by_configuration.items()})
            shown.update(table.best_of(peer, by_configuration))
        budgets = ", ".join(str(budget) for budget in sorted({row["budget"] for row in here})) or "no"
        print(f"### {world}\n\n{budgets} episodes, seeds from {arguments.first_seed}.\n\n{table.family_table(shown)}\n", flush=True)
    versions = sorted({f"{row['peer']} {row['version']}" for row in good})
    seconds = [f"{peer} {table.mean(taken):.2f} s" for peer in arguments.peers if (taken := [row["seconds"] for row in good if row["peer"] == peer])]
    if good:
        print(f"Peers: {', '.join(versions)}. A run takes {', '.join(seconds)}.")


def night(row):
    """A peer's run in the terms of our own nights. It has no gate: what it chose is what would be deployed."""
    return {
        "seed": row["seed"],
        "gain": row["gain"],
        "deployed": row["gain"],
        "optimism": row["reported"] - row["value"],
        "won": not row["kept_start"],
        "episodes": row["episodes"],
    }


def digest(program):
    with open(program, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def note(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
