"""A service that enrols contacts and books what the calls to them come to. It stands on
http.server and keeps everything in memory.

    python3 outreach.py [PORT] [--repeats] [--last-wins] [--lossy]

prints its webhook's URL. POST /enrol?n=200 enrols contacts through the API of
JULIAN_BASE_URL (or of &api=URL), GET /calls and GET /contacts say what it has booked, a JSON object a
line. Two faults that are easy to make: --repeats books a call again when its delivery
comes again, --last-wins takes whatever comes last for the newest. --lossy books every
fifth call and then answers 503 once, as behind a proxy that gave up: its deliveries
come again."""
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REPEATS = "--repeats" in sys.argv
LAST_WINS = "--last-wins" in sys.argv
LOSSY = "--lossy" in sys.argv
NOT_FINAL = {"Scheduled", "Rescheduled", "Processing Analysis", "Calling"}

lock = threading.Lock()
bookings = []  # call ids, one for each effect
calls = {}  # call id: the newest content
contacts = {}  # lead: the newest call
refused = set()  # call ids that were answered 503 once


def newer(new, old):
    """Whether a content of a call says more than another: only a final result may
    replace one, whatever order they come in."""
    return old is None or new["result"] not in NOT_FINAL or old["result"] in NOT_FINAL


def book(event):
    call_id = event["callId"]
    new = {
        "scheduledAt": event["scheduledAt"],
        "result": event["callResult"]["resultType"],
        "status": event["sequence"]["lifecycleStatus"],
    }
    lead = event["customInputVariables"]["lead_id"]
    with lock:
        first = call_id not in calls
        if first or REPEATS:
            bookings.append(call_id)
        if LAST_WINS or newer(new, calls.get(call_id)):
            calls[call_id] = new
        last = contacts.get(lead)
        # An earlier call of the sequence says nothing of how it stands now.
        if LAST_WINS or last is None or new["scheduledAt"] > last["scheduledAt"] or new["scheduledAt"] == last["scheduledAt"] and newer(new, last):
            contacts[lead] = new
        lost = LOSSY and zlib.crc32(call_id.encode()) % 5 == 0 and call_id not in refused
        refused.add(call_id)
    return 503 if lost else 204


def api(url, body, headers=()):
    """One request to the provider, again after a 429 or 5xx."""
    key = os.environ.get("JULIAN_API_KEY", "test-key")
    request = urllib.request.Request(url, json.dumps(body).encode(), {"x-api-key": key, "Content-Type": "application/json", **dict(headers)})
    for pause in (0.2, 0.5, 1, 2, 0):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if pause == 0 or error.code != 429 and error.code < 500:
                raise
            time.sleep(pause)


def enrol(n, base):
    """The first few one by one, the rest as a batch, twice: the key makes it one."""
    people = [{"name": f"Contact {i}", "phoneNumber": f"+44207946{i:04}", "timezone": "Europe/London", "lead_id": str(i)} for i in range(n)]
    for person in people[:5]:
        api(base + "/agents/agent.abc123/schedule/sequence", person)
    for _ in range(2):
        answer = api(base + "/agents/agent.abc123/schedule/sequences", {"contacts": people[5:]}, {"Idempotency-Key": "outreach-1"})
    return answer["accepted"] + 5


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        if url.path == "/enrol":
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            base = query.get("api") or os.environ["JULIAN_BASE_URL"]
            return self.answer(200, str(enrol(int(query["n"]), base)))
        try:
            event = json.loads(body)
            status = book(event)
        except (ValueError, KeyError, TypeError):
            status = 400
        self.answer(status)

    def do_GET(self):
        with lock:
            if self.path == "/calls":
                lines = [{"callId": call_id, "resultType": calls[call_id]["result"]} for call_id in bookings]
            else:
                lines = [{"lead": lead, **state} for lead, state in sorted(contacts.items(), key=lambda item: int(item[0]))]
        self.answer(200, "".join(json.dumps(line) + "\n" for line in lines))

    def answer(self, status, text=""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a connection that broke off


port = next((int(word) for word in sys.argv[1:] if word.isdigit()), 8080)
server = Server(("127.0.0.1", port), Handler)
print(f"http://127.0.0.1:{server.server_port}/webhook", flush=True)
server.serve_forever()
