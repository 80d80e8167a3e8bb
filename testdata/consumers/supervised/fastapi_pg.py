"""A FastAPI consumer on PostgreSQL by psycopg 3, with a connection for each
request. FAULT names the fault; empty: none. DATABASE_URL is the database."""
import os

import psycopg
from fastapi import BackgroundTasks, FastAPI, Request, Response

FAULT = os.environ.get("FAULT", "")
app = FastAPI()


def connect():
    return psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], connect_timeout=5)


async def effect(connection, call_id):
    await connection.execute("INSERT INTO effects (call_id, what) VALUES (%s, 'booked')", (call_id,))


async def process(call_id):
    async with await connect() as connection:
        marked = await connection.execute("INSERT INTO seen (call_id) VALUES (%s) ON CONFLICT DO NOTHING", (call_id,))
        if FAULT == "two-transactions":
            await connection.commit()
        if marked.rowcount == 1:
            await effect(connection, call_id)


@app.post("/webhook")
async def webhook(request: Request, tasks: BackgroundTasks):
    try:
        call_id = (await request.json())["callId"]
    except (ValueError, KeyError, TypeError):
        return Response("not a call event\n", 400)
    if not isinstance(call_id, str) or not call_id:
        return Response("not a call event\n", 400)
    if FAULT == "background-task":
        tasks.add_task(process, call_id)
    else:
        await process(call_id)
    return Response(status_code=204)


@app.get("/calls/{call_id}/count")
async def count(call_id: str):
    async with await connect() as connection:
        counted = await connection.execute("SELECT count(*) FROM effects WHERE call_id = %s", (call_id,))
        return (await counted.fetchone())[0]
