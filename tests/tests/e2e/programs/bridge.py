"""A server that speaks the Model Context Protocol over stdio, as one that speaks it over HTTP: what the official conformance
checks ask. Messages are passed on as they are.

bridge.py SERVER: prints the port. Each session is a process of its own. There is no stream for what a server says by itself.
"""

import json
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SESSIONS = {}


class Session:
    def __init__(self, server):
        self.process = subprocess.Popen([server, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()

    def pass_on(self, message):
        """The answer to a request; nothing for a notification."""
        with self.lock:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
            while "id" in message:
                line = self.process.stdout.readline()
                assert line, "the server has ended"
                if json.loads(line).get("id") == message["id"]:
                    return line.strip()
            return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        session = self.headers.get("mcp-session-id")
        if message.get("method") == "initialize":
            session = uuid.uuid4().hex
            SESSIONS[session] = Session(sys.argv[1])
        if session not in SESSIONS:
            return self.answer(400)
        answer = SESSIONS[session].pass_on(message)
        self.answer(200 if answer else 202, answer or b"", session)

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        session = SESSIONS.pop(self.headers.get("mcp-session-id"), None)
        if session:
            session.process.stdin.close()
            session.process.wait()
        self.answer(200)

    def answer(self, status, body=b"", session=None):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if session:
            self.send_header("mcp-session-id", session)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
# Whoever started it is gone when its input ends.
sys.stdin.read()
for session in SESSIONS.values():
    session.process.kill()
