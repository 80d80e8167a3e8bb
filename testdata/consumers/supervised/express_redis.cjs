// An Express consumer on Redis that tells a CRM, right or with one fault.
// FAULT names the fault; empty: none. REDIS_URL is the store, CRM_URL, if there
// is one, is told of every call.
const express = require("express");
const { createClient } = require("redis");

const fault = process.env.FAULT || "";
const crm = process.env.CRM_URL || "";
const redis = createClient({ url: process.env.REDIS_URL, socket: { reconnectStrategy: (n) => Math.min(50 * (n + 1), 500) } });
redis.on("error", () => {}); // each command says so itself
const memory = new Set();

async function tell(callId) {
  if (!crm) return;
  const headers = { "Content-Type": "application/json" };
  if (fault !== "no-key") headers["Idempotency-Key"] = callId;
  const answer = await fetch(crm + "/notes", { method: "POST", headers, body: JSON.stringify({ callId }) });
  if (!answer.ok) throw new Error(`crm: ${answer.status}`);
}

// The effect and its marker are one command: a set that knows its members.
const once = (id) => redis.multi().sAdd(`seen:${id}`, "1").set(`effects:${id}`, "1").exec();
const ways = {
  "": async (id) => { await once(id); await tell(id); },
  "lock": async (id) => {
    const mine = String(process.pid) + Math.random();
    if (!(await redis.set(`lock:${id}`, mine, { NX: true, EX: 8 }))) throw new Error("busy"); // it is sent again
    try {
      if (!(await redis.get(`seen:${id}`))) await redis.multi().incr(`effects:${id}`).set(`seen:${id}`, "1").exec();
    } finally {
      if ((await redis.get(`lock:${id}`)) === mine) await redis.del(`lock:${id}`);
    }
    await tell(id);
  },
  "no-key": async (id) => { await once(id); await tell(id); },
  "marker-then-effect": async (id) => { if (await redis.set(`seen:${id}`, "1", { NX: true })) await redis.incr(`effects:${id}`); },
  "effect-then-marker": async (id) => { if (!(await redis.exists(`seen:${id}`))) { await redis.incr(`effects:${id}`); await redis.set(`seen:${id}`, "1"); } },
  "get-then-multi": async (id) => { if (!(await redis.get(`seen:${id}`))) await redis.multi().incr(`effects:${id}`).set(`seen:${id}`, "1").exec(); },
  "in-memory": async (id) => { if (!memory.has(id)) { memory.add(id); await redis.incr(`effects:${id}`); } },
  "tell-and-forget": async (id) => { await once(id); tell(id).catch(() => {}); },
  "queue-in-memory": async (id) => { setTimeout(() => ways[""](id).catch(() => {}), 100); },
  "no-dedupe": async (id) => { await redis.incr(`effects:${id}`); },
};

const app = express();
app.use(express.json({ limit: "20mb", type: () => true }));
app.post("/webhook", async (req, res) => {
  const id = req.body && req.body.callId;
  if (typeof id !== "string" || !id) return res.status(400).end();
  if (fault === "queue-in-memory") {
    res.status(204).end();
    return ways[fault](id);
  }
  await ways[fault](id);
  res.status(204).end();
});
app.get("/calls/:id/count", async (req, res) => res.send(String(Number(await redis.get(`effects:${req.params.id}`)))));
app.use((err, req, res, next) => res.status(err.status || 500).end());

redis.connect().then(() => {
  const server = app.listen(Number(process.env.PORT), "127.0.0.1");
  process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
});
