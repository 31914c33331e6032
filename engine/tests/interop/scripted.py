"""A scripted model behind the three dialects, and a recorder that passes requests on and keeps them.

The script: two tool calls in one turn, then a call of a tool that does not exist beside one with arguments that do
not fit, then an answer. Each turn but the last holds a signed thought in the dialect's own shape, so that it can be
seen whether signatures find their way back.
"""

import http.client
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIGNATURE = "c2lnbmF0dXJlLW9mLWEtdGhvdWdodA=="
TURNS = [
    ("I look.", [("read", {"path": "USER.md"}), ("exec", {"command": "himalaya envelope list"})]),
    ("", [("no_such_tool", {"a": 1}), ("memory_search", {"query": 7})]),
    ("Done: I have read it all.", []),
]


class Server:
    def __init__(self, answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, text = answer(self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                self.do_POST()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()


class Recorder(Server):
    """Stands before a server and keeps what it receives."""

    def __init__(self, upstream):
        self.requests = []
        place = urllib.parse.urlsplit(upstream)

        def pass_on(path, headers, body):
            self.requests.append({"path": path, "body": json.loads(body)})
            connection = http.client.HTTPConnection(place.hostname, place.port, timeout=300)
            kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "accept-encoding")}
            connection.request("POST", place.path + path, body, kept)
            response = connection.getresponse()
            return response.status, [("content-type", response.getheader("content-type", ""))], response.read()

        super().__init__(pass_on)


class Endpoint(Server):
    """The scripted model."""

    def __init__(self):
        self.received = []
        # litellm turns cache marks into Gemini's cached contents: their turns and texts, by name.
        self.caches = {}
        super().__init__(self.answer)

    def forget(self):
        self.received.clear()

    def thoughts_returned(self):
        """Whether the last request of every episode still holds the signature of an earlier turn's thought."""
        ends = [text for turns, text in self.received if turns == len(TURNS) - 1]
        if not ends:
            return "-"
        return "yes" if all(SIGNATURE in text for text in ends) else "no"

    def answer(self, path, _, body):
        text = body.decode()
        if not text or "cachedContents" in path:
            return 200, [("content-type", "application/json")], json.dumps(self.cache(text)).encode()
        request = json.loads(text)
        turns, cached = self.caches.get(request.get("cachedContent"), (0, ""))
        turns += turns_in(request)
        self.received.append((turns, cached + text))
        said, calls = TURNS[min(turns, len(TURNS) - 1)]
        if ":generateContent" in path:
            reply = gemini(said, calls)
        elif path.endswith("/messages"):
            reply = anthropic(said, calls)
        else:
            reply = openai(said, calls)
        return 200, [("content-type", "application/json")], json.dumps(reply).encode()


    def cache(self, text):
        if not text:
            return {"cachedContents": []}
        name = f"cachedContents/{len(self.caches)}"
        self.caches[name] = (turns_in(json.loads(text)), text)
        return {"name": name, "model": "models/gemini-2.5-pro", "usageMetadata": {"totalTokenCount": 60}}


def turns_in(request):
    """How many turns the model has had in a conversation."""
    entries = request.get("messages", request.get("contents", []))
    return sum(entry.get("role") in ("assistant", "model") for entry in entries)


def openai(said, calls):
    message = {"role": "assistant", "content": said or None}
    if calls:
        message["reasoning_content"] = SIGNATURE
        message["tool_calls"] = [
            {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for at, (name, arguments) in enumerate(calls)
        ]
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 60}}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "scripted", "choices": [choice], "usage": usage}


def anthropic(said, calls):
    content = [{"type": "thinking", "thinking": "hm", "signature": SIGNATURE}] if calls else []
    content += [{"type": "text", "text": said}] if said else []
    content += [{"type": "tool_use", "id": f"toolu_{at}", "name": name, "input": arguments} for at, (name, arguments) in enumerate(calls)]
    usage = {"input_tokens": 40, "output_tokens": 20, "cache_read_input_tokens": 60, "cache_creation_input_tokens": 0}
    reason = "tool_use" if calls else "end_turn"
    return {"id": "m", "type": "message", "role": "assistant", "model": "scripted", "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage}


def gemini(said, calls):
    parts = [{"text": said}] if said else []
    parts += [{"functionCall": {"name": name, "args": arguments}} for name, arguments in calls]
    if calls:
        next(part for part in parts if "functionCall" in part)["thoughtSignature"] = SIGNATURE
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 15, "thoughtsTokenCount": 5, "totalTokenCount": 120, "cachedContentTokenCount": 60}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "scripted", "responseId": "r"}
