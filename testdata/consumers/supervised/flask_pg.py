"""A Flask consumer on PostgreSQL, right in one of several ways or with one fault
that a crash, a lost answer, a restart or a second process brings out.

FAULT names the way or the fault; empty: a unique key, right. DATABASE_URL is the database, CRM_URL, if
there is one, is told of every call."""
import json
import os
import threading
import time
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
    if FAULT == "dead-pool":
        return on_the_one_connection(do)
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
        connections().putconn(connection, close=broken)


one = None


def on_the_one_connection(do):
    """The fault dead-pool: once dead, the connection is never opened again."""
    global one
    with lock:
        if one is None:
            one = psycopg2.connect(os.environ["DATABASE_URL"])
        with one, one.cursor() as cursor:
            return do(cursor)


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
    threading.Thread(target=lambda: (time.sleep(0.05), right(call_id))).start()


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


def row_lock(call_id):
    """A row for each call, locked while it is worked on."""
    def both(cursor):
        store(cursor, call_id)
        cursor.execute("SELECT done FROM jobs WHERE call_id = %s FOR UPDATE", (call_id,))
        if not cursor.fetchone()[0]:
            effect(cursor, call_id)
            cursor.execute("UPDATE jobs SET done = true WHERE call_id = %s", (call_id,))
    work(both)


def serializable(call_id):
    """Looks, then inserts, in transactions that the database keeps apart."""
    def both(cursor):
        cursor.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        if not known(cursor, call_id):
            effect(cursor, call_id)
            cursor.execute("INSERT INTO seen (call_id) VALUES (%s)", (call_id,))
    for tries_left in reversed(range(5)):
        try:
            return work(both)
        except (psycopg2.errors.SerializationFailure, psycopg2.IntegrityError):
            if not tries_left:
                raise


def outbox(call_id):
    """What is to be told to the CRM is stored with the effect."""
    def both(cursor):
        if mark(cursor, call_id):
            effect(cursor, call_id)
            cursor.execute("INSERT INTO outbox (call_id) VALUES (%s)", (call_id,))
    work(both)


def send_outbox():
    def next_one(cursor):
        cursor.execute("SELECT call_id FROM outbox WHERE NOT sent LIMIT 1 FOR UPDATE SKIP LOCKED")
        row = cursor.fetchone()
        if not row:
            return False
        tell_crm(row[0])
        cursor.execute("UPDATE outbox SET sent = true WHERE call_id = %s", row)
        return True
    return work(next_one)


def store(cursor, call_id):
    cursor.execute("INSERT INTO jobs (call_id) VALUES (%s) ON CONFLICT DO NOTHING", (call_id,))


def queue(call_id):
    """Stores the call and answers; a worker does the rest."""
    work(lambda c: store(c, call_id))


def slow_job():
    """One job, which takes 3 s while its row is locked."""
    def next_one(cursor):
        cursor.execute("SELECT call_id FROM jobs WHERE NOT done LIMIT 1 FOR UPDATE SKIP LOCKED")
        row = cursor.fetchone()
        if not row:
            return False
        time.sleep(3)
        effect(cursor, row[0])
        cursor.execute("UPDATE jobs SET done = true WHERE call_id = %s", row)
        return True
    return work(next_one)


def leased_job():
    """One job, leased for 8 s: when its worker dies another one takes it then."""
    def lease(cursor):
        cursor.execute(
            "UPDATE jobs SET leased_until = now() + interval %s WHERE call_id = (SELECT call_id FROM jobs"
            " WHERE NOT done AND leased_until < now() LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING call_id",
            ("2 s" if FAULT == "lease-unchecked" else "8 s",))
        return cursor.fetchone()

    row = work(lease)
    if not row:
        return False
    if FAULT == "lease-unchecked":
        work(lambda c: effect(c, row[0]))

    def finish(cursor):
        cursor.execute("UPDATE jobs SET done = true WHERE call_id = %s AND NOT done", row)
        if cursor.rowcount == 1 and FAULT != "lease-unchecked":
            effect(cursor, row[0])
    work(finish)
    return True


JOBS = {"outbox": send_outbox, "queue": slow_job, "lease": leased_job, "lease-unchecked": leased_job}


def worker(job):
    while True:
        try:
            if job():
                continue
        except (psycopg2.Error, OSError):
            pass  # it is tried again
        time.sleep(0.2)


WAYS = {
    "row-lock": row_lock, "serializable": serializable, "outbox": outbox, "queue": queue, "lease": queue, "lease-unchecked": queue,
    "": right, "dead-pool": right, "no-key": right, "effect-then-marker": effect_then_marker, "marker-then-effect": marker_then_effect,
    "look-then-insert": look_then_insert, "in-memory": in_memory, "acknowledge-first": acknowledge_first,
    "errors-are-fine": errors_are_fine, "no-dedupe": no_dedupe, "crm-first": crm_first, "crm-forgotten": crm_forgotten,
}


for _ in range(4 if FAULT in JOBS else 0):
    threading.Thread(target=worker, args=(JOBS[FAULT],), daemon=True).start()


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
