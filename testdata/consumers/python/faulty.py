"""A consumer with http.server and sqlite3, and two faults: it inserts whatever
comes, repeats too, and it serves one connection at a time."""
import json
import sqlite3
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

db = sqlite3.connect(sys.argv[2] if len(sys.argv) > 2 else ":memory:", check_same_thread=False)
db.execute("CREATE TABLE IF NOT EXISTS calls (call_id TEXT, body BLOB)")
lock = threading.Lock()


class Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # a connection that stays open would hold up all others
    timeout = 30

    def do_POST(self):
        body = self.body()
        try:
            event = json.loads(body)
            call_id = event["callId"]
            right = isinstance(call_id, str) and call_id and isinstance(event["callResult"]["resultType"], str)
        except (ValueError, KeyError, TypeError):
            right = False
        if not right:
            return self.answer(400, b"not a call event")
        with lock, db:  # the bytes as they came: text may hold what is no UTF-8
            db.execute("INSERT INTO calls VALUES (?, ?)", (call_id, body))
        self.answer(204)

    def do_GET(self):
        parts = self.path.split("/")
        if len(parts) != 4 or parts[1] != "calls" or parts[3] != "count":
            return self.answer(404)
        with lock:
            count = db.execute("SELECT count(*) FROM calls WHERE call_id = ?", (unquote(parts[2]),)).fetchone()[0]
        self.answer(200, str(count).encode())

    def do_PUT(self):
        self.body()
        self.answer(405)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # it broke off
                self.close_connection = True
                return b""
            return body
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, status, body=b""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(HTTPServer):
    request_queue_size = 1024

    def handle_error(self, *_):
        pass  # a connection that broke off


server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Webhook)
print(f"http://127.0.0.1:{server.server_port}/webhook", flush=True)
server.serve_forever()
