"""The processes of a comparison: a world's server for each run, and a worker for each peer. Each is ended by its own id, with what it started."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))


class Started:
    """A process of ours with whatever it starts, which is ended by its own id."""

    running = set()

    def __init__(self, command, **options):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, start_new_session=True, **options
        )
        Started.running.add(self)

    def line(self, seconds):
        """Its next line of output; it is killed if there is none in time."""
        timer = threading.Timer(seconds, self.kill)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"no answer within {seconds} s, or it ended: {self.log.read().strip()[-300:]}")
        return json.loads(line)

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # OpenEvolve's worker is in the same group
        except ProcessLookupError:
            pass

    def end(self):
        if self in Started.running:
            Started.running.discard(self)
            self.kill()
            self.process.wait()
            self.process.stdout.close()
            self.log.close()


class Server(Started):
    """`optimize lab --serve` on a free port, with a fresh ledger."""

    def __init__(self, optimize, world, seed, budget):
        command = [optimize, "lab", "--serve", "0", "--world", world, "--seed", str(seed)]
        super().__init__(command + (["--budget", str(budget)] if budget else []))


class Worker(Started):
    """A peer's process, which answers many jobs."""

    def __init__(self, peer):
        command = [sys.executable, os.path.join(HERE, f"{peer}_peer.py")]
        # OpenEvolve's client would ask a proxy for a server on this machine.
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        super().__init__(command, stdin=subprocess.PIPE, env=environment)

    def asked(self, job, seconds):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self.line(seconds)
