"""A Flask consumer on PostgreSQL, right or with one fault that a crash, a lost
answer, a restart or a second process brings out.

FAULT names the fault; empty: none. DATABASE_URL is the database, CRM_URL, if
there is one, is told of every call."""
import json
import os
import threading
import urllib.request

import psycopg2
import psycopg2.pool
from flask import Flask, Response, request

FAULT = os.environ.get("FAULT", "")
CRM = os.environ.get("CRM_URL", "")
app = Flask(__name__)
pool = None
memory, lock = set(), threading.Lock()


def connections():
    global pool
    if pool is None:
        pool = psycopg2.pool.ThreadedConnectionPool(1, 20, os.environ["DATABASE_URL"])
    return pool


def work(do):
    """Runs do(cursor) in a transaction; a dead connection is left behind."""
    connection = connections().getconn()
    broken = True
    try:
        with connection, connection.cursor() as cursor:
            result = do(cursor)
        broken = False
        return result
    except psycopg2.IntegrityError:
        broken = False
        raise
    finally:
        connections().putconn(connection, close=broken and FAULT != "dead-pool")


def tell_crm(call_id):
    if CRM:
        headers = {"Content-Type": "application/json"}
        if FAULT != "no-key":
            headers["Idempotency-Key"] = call_id
        body = json.dumps({"call": call_id}).encode()
        urllib.request.urlopen(urllib.request.Request(CRM + "/notes", body, headers), timeout=5).read()


def effect(cursor, call_id):
    cursor.execute("INSERT INTO effects (call_id, what) VALUES (%s, 'booked')", (call_id,))


def mark(cursor, call_id):
    cursor.execute("INSERT INTO seen (call_id) VALUES (%s) ON CONFLICT DO NOTHING", (call_id,))
    return cursor.rowcount == 1


def known(cursor, call_id):
    cursor.execute("SELECT count(*) FROM seen WHERE call_id = %s", (call_id,))
    return cursor.fetchone()[0] > 0


def right(call_id):
    def both(cursor):
        if mark(cursor, call_id):
            effect(cursor, call_id)
    work(both)
    tell_crm(call_id)


def effect_then_marker(call_id):
    if not work(lambda c: known(c, call_id)):
        work(lambda c: effect(c, call_id))
        work(lambda c: mark(c, call_id))


def marker_then_effect(call_id):
    if work(lambda c: mark(c, call_id)):
        work(lambda c: effect(c, call_id))


def look_then_insert(call_id):
    def both(cursor):
        if not known(cursor, call_id):
            effect(cursor, call_id)
            mark(cursor, call_id)
    work(both)


def in_memory(call_id):
    with lock:
        if call_id in memory:
            return
        work(lambda c: effect(c, call_id))
        memory.add(call_id)


def acknowledge_first(call_id):
    threading.Thread(target=lambda: (__import__("time").sleep(0.05), right(call_id))).start()


def errors_are_fine(call_id):
    try:
        right(call_id)
    except psycopg2.Error:
        pass


def no_dedupe(call_id):
    work(lambda c: effect(c, call_id))


def crm_first(call_id):
    tell_crm(call_id)
    right_without_crm(call_id)


def right_without_crm(call_id):
    def both(cursor):
        if mark(cursor, call_id):
            effect(cursor, call_id)
    work(both)


def crm_forgotten(call_id):
    def both(cursor):
        if not mark(cursor, call_id):
            return False
        effect(cursor, call_id)
        return True
    if work(both):
        try:
            tell_crm(call_id)
        except OSError:
            pass


WAYS = {
    "": right, "dead-pool": right, "no-key": right, "effect-then-marker": effect_then_marker, "marker-then-effect": marker_then_effect,
    "look-then-insert": look_then_insert, "in-memory": in_memory, "acknowledge-first": acknowledge_first,
    "errors-are-fine": errors_are_fine, "no-dedupe": no_dedupe, "crm-first": crm_first, "crm-forgotten": crm_forgotten,
}


@app.post("/webhook")
def webhook():
    event = request.get_json(force=True, silent=True)
    if not isinstance(event, dict) or not isinstance(event.get("callId"), str) or not event["callId"]:
        return Response("not a call event\n", 400)
    WAYS[FAULT](event["callId"])
    return Response(status=204)


@app.get("/calls/<call_id>/count")
def count(call_id):
    def look(cursor):
        cursor.execute("SELECT count(*) FROM effects WHERE call_id = %s", (call_id,))
        return cursor.fetchone()[0]
    return str(work(look))
