"""Whole tool-calling episodes through foreign servers, by the real program, and what each server received.

For every client and server: a small run of `optimize` on one scenario, with the offline writer; a recorder stands between the client and the
server and keeps every request, which is checked against the types of the provider's own Python package.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import schemas
import tiny_model
from scripted import Endpoint, Recorder

BUDGET = 16
SCENARIO = "monday_inbox"
KEY = "interop-key"
UPSTREAMS = {
    "openai": ("openai/scripted", "{}/v1"),
    "anthropic": ("anthropic/claude-sonnet-4-5", "{}"),
    "gemini": ("gemini/gemini-2.5-pro", "{}/v1beta/models/gemini-2.5-pro"),
}
CLIENTS = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process, seconds):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            sys.exit(f"{url}: the server ended with {process.returncode}")
        try:
            return urllib.request.urlopen(url, timeout=2).read()
        except Exception:
            time.sleep(0.5)
    sys.exit(f"{url}: no answer within {seconds} s")


def started(processes, command, log, **options):
    """A server that is ended with the others, however this script ends."""
    processes.append(subprocess.Popen(command, stdout=log, stderr=log, **options))
    return processes[-1]


def end(processes):
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start_litellm(processes, folder, endpoint):
    models = [
        {"model_name": f"via-{name}", "litellm_params": {"model": model, "api_base": base.format(endpoint.url), "api_key": "x"}}
        for name, (model, base) in UPSTREAMS.items()
    ]
    config = os.path.join(folder, "litellm.json")
    with open(config, "w") as file:
        # Otherwise litellm answers its messages endpoint over OpenAI's responses API, which is not the script's.
        settings = {"use_chat_completions_url_for_anthropic_messages": True}
        json.dump({"model_list": models, "general_settings": {"master_key": KEY}, "litellm_settings": settings}, file)
    port = free_port()
    log = open(os.path.join(folder, "litellm.log"), "w")
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_PROXY": "*"}
    command = ["litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    process = started(processes, command, log, env=environment, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    wait_for(f"{url}/health/liveliness", process, 180)
    return url


def start_llama_cpp(processes, folder, context):
    model = os.path.join(folder, "tiny.gguf")
    tiny_model.write(model)
    log = open(os.path.join(folder, f"llama-{context}.log"), "w")
    here = os.path.dirname(os.path.abspath(__file__))
    port = free_port()
    command = [sys.executable, os.path.join(here, "llama_server.py"), model, str(context), str(port), KEY]
    process = started(processes, command, log)
    url = f"http://127.0.0.1:{port}"
    wait_for(f"{url}/health", process, 60)
    return url


def write_suite(folder):
    """One scenario of the built-in suite, so that a run is short."""
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.abspath(os.path.join(here, "../../.."))
    for place in (f"scenarios/{SCENARIO}.yaml", f"rubrics/{SCENARIO}.yaml"):
        os.makedirs(os.path.dirname(os.path.join(folder, place)), exist_ok=True)
        shutil.copy(os.path.join(root, place), os.path.join(folder, place))
    fixtures = f"scenarios/fixtures/{SCENARIO}"
    shutil.copytree(os.path.join(root, fixtures), os.path.join(folder, fixtures))


def run_optimize(optimize, model, base_url):
    """Runs a few episodes and returns the exit code, the standard error and the events."""
    with tempfile.TemporaryDirectory() as place:
        write_suite(os.path.join(place, "suite"))
        environment = {"PATH": os.environ["PATH"], "HOME": place, "PACKWRIGHT_API_KEY": KEY}
        arguments = ["--model", model, "--base-url", base_url, "--writer", "offline/office"]
        arguments += ["--suite", "suite", "--budget", str(BUDGET), "--seed", "7", "--parallel", "2", "--outage-wait", "0"]
        call = lambda arguments: subprocess.run([optimize, *arguments], cwd=place, env=environment, capture_output=True, text=True, timeout=600)
        done = call(arguments)
        events = [json.loads(line)["event"] for line in call(["runs", "export"]).stdout.splitlines()]
        return done.returncode, done.stderr, events


def row(optimize, server, client, model, upstream_url, upstream=None, keeps_thoughts=False):
    """One line of the table, whether it is as it should be, and what is wrong."""
    recorder = Recorder(upstream_url)
    code, errors, events = run_optimize(optimize, f"{client}/{model}", recorder.url + CLIENTS[client])
    recorder.stop()
    scored = [event["episode_scored"] for event in events if "episode_scored" in event]
    failed = [event["episode_unmeasured"]["reason"] for event in events if "episode_unmeasured" in event]
    problems = [problem for request in recorder.requests for problem in schemas.problems(client, request)]
    wanted = scored and not failed and all(episode["tool_calls"] >= 1 for episode in scored)
    counted = all(episode["usage"]["input_tokens"] and episode["usage"]["output_tokens"] for episode in scored)
    thoughts = upstream.thoughts_returned() if upstream else "-"
    result = {
        "server": server,
        "client": client,
        "episodes": f"{len(scored)} of {len(scored) + len(failed)}",
        "model calls": sum(episode["model_calls"] for episode in scored),
        "tool calls": sum(episode["tool_calls"] for episode in scored),
        "tokens": "counted" if scored and counted else "no",
        "requests": len(recorder.requests),
        "schema": "ok" if not problems else f"{len(problems)} problems",
        "thoughts back": thoughts,
    }
    details = failed[:1] + problems[:3]
    if not scored and not failed:
        details.append(errors.strip()[-600:])
    # Between two dialects litellm may drop what the model thought; within one it must come back.
    return result, wanted and counted and not problems and not (keeps_thoughts and thoughts != "yes"), details


def overflow_row(optimize, url):
    """A model that cannot read even the prompt: no episode is scored, and the reason says so."""
    code, errors, events = run_optimize(optimize, "openai/tiny", url + "/v1")
    scored = [event for event in events if "episode_scored" in event]
    said = json.dumps(events) + errors
    told = "context" in said and not scored
    result = {"server": "llama.cpp, context of 512", "client": "openai", "episodes": "0", "schema": "-"}
    result |= {"model calls": "-", "tool calls": "-", "tokens": "-", "requests": "-", "thoughts back": "-"}
    return result, told, [] if told else [said[-600:]]


def table(rows):
    columns = list(rows[0][0])
    widths = [max(len(column), *(len(str(row[0][column])) for row in rows)) for column in columns]
    line = lambda cells: "  ".join(str(cell).ljust(width) for cell, width in zip(cells, widths)).rstrip()
    print(line(columns + [""]), "result", sep="  ")
    for result, good, details in rows:
        print(line([result[column] for column in columns]), "ok" if good else "FAILED", sep="  ")
        for detail in details:
            print("    " + " ".join(str(detail).split())[:400])


def main():
    # So that servers are ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    optimize, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    work = tempfile.mkdtemp(prefix="interop-", dir=folder)
    rows, processes = [], []
    try:
        endpoint = Endpoint()
        litellm = start_litellm(processes, work, endpoint)
        for client in CLIENTS:
            for upstream in UPSTREAMS:
                endpoint.forget()
                server, model, same = f"litellm to {upstream}", f"via-{upstream}", client == upstream
                rows.append(row(optimize, server, client, model, litellm, endpoint, same))
        llama = start_llama_cpp(processes, work, 65_536)
        for client in ("openai", "anthropic"):
            rows.append(row(optimize, "llama.cpp", client, "tiny", llama))
        small = start_llama_cpp(processes, work, 512)
        rows.append(overflow_row(optimize, small))
        for name in ("litellm", "xllamacpp", "openai", "anthropic", "google-genai"):
            from importlib.metadata import version
            print(f"{name} {version(name)}", end="; ")
        print()
        table(rows)
    finally:
        end(processes)
    good = all(row[1] for row in rows)
    if good:
        shutil.rmtree(work)
    else:
        print(f"logs and requests: {work}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
