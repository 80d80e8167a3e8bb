// A node:http consumer on PostgreSQL with prepared statements, right or with one
// fault. FAULT names the fault; empty: none.
const http = require("node:http");
const { Pool } = require("pg");

const fault = process.env.FAULT || "";
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
pool.on("error", () => {}); // an idle connection that died is replaced
pool.on("connect", (db) => db.on("error", () => {})); // so is one in use
let single; // of the fault single-connection

const mark = (db, id) => db.query({ name: "mark", text: "INSERT INTO seen (call_id) VALUES ($1) ON CONFLICT DO NOTHING", values: [id] });
const effect = (db, id) => db.query({ name: "effect", text: "INSERT INTO effects (call_id, what) VALUES ($1, 'booked')", values: [id] });
const known = async (db, id) => (await db.query({ name: "known", text: "SELECT 1 FROM seen WHERE call_id = $1", values: [id] })).rowCount > 0;

async function transaction(work) {
  const db = await pool.connect();
  let broken = true;
  try {
    await db.query("BEGIN");
    const result = await work(db);
    await db.query("COMMIT");
    broken = false;
    return result;
  } finally {
    if (broken) await db.query("ROLLBACK").catch(() => {});
    db.release(broken);
  }
}

let chain = Promise.resolve();
const ways = {
  "": (id) => transaction(async (db) => { if ((await mark(db, id)).rowCount) await effect(db, id); }),
  "one-statement": (id) => pool.query(
    "WITH new AS (INSERT INTO seen (call_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING call_id) INSERT INTO effects (call_id, what) SELECT call_id, 'booked' FROM new", [id]),
  "lock": (id) => transaction(async (db) => {
    await db.query("SELECT pg_advisory_xact_lock(hashtext($1))", [id]);
    if (!(await known(db, id))) { await effect(db, id); await mark(db, id); }
  }),
  "autocommit": async (id) => { if (!(await known(pool, id))) { await effect(pool, id); await mark(pool, id); } },
  "marker-autocommit": async (id) => { if ((await mark(pool, id)).rowCount) await effect(pool, id); },
  "process-mutex": (id) => (chain = chain.catch(() => {}).then(() => ways.autocommit(id))),
  "retry-blindly": async (id) => {
    for (let i = 0; ; i++) {
      try { return await transaction(async (db) => { if (!(await known(db, id))) { await effect(db, id); await mark(db, id).catch(() => {}); } }); } catch (e) { if (i === 2) throw e; await effect(pool, id).catch(() => {}); }
    }
  },
  "swallow": (id) => ways[""](id).catch(() => {}),
  "single-connection": async (id) => {
    single ||= pool.connect();
    const db = await single;
    if ((await db.query("INSERT INTO seen (call_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING call_id", [id])).rowCount) await effect(db, id);
  },
};

http.createServer((req, res) => {
  const end = (status, body = "") => { res.statusCode = status; res.end(body); };
  const parts = new URL(req.url, "http://x").pathname.split("/");
  if (req.method === "GET" && parts[1] === "calls") {
    return pool.query("SELECT count(*) FROM effects WHERE call_id = $1", [decodeURIComponent(parts[2])])
      .then((r) => end(200, r.rows[0].count), () => end(500));
  }
  if (req.method !== "POST") return end(405);
  const body = [];
  req.on("data", (piece) => body.push(piece));
  req.on("end", () => {
    let id;
    try { id = JSON.parse(Buffer.concat(body)).callId; } catch { return end(400); }
    if (typeof id !== "string" || !id) return end(400);
    ways[fault](id).then(() => end(204), () => end(500));
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
