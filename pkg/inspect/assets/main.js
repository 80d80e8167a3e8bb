// The inspector: what is looked for, what is listed, and what comes.

import { data, el, get, attempt, button, count, show } from "./base.js";
import { List } from "./list.js";
import { Detail } from "./detail.js";
import { Charts } from "./charts.js";

const $ = (id) => document.getElementById(id);
const filters = $("filters"), search = $("search");
for (const type of data.types) filters.elements.type.append(new Option(type));

const first = 100; // rows that are asked for at once
const log = { first: 0, last: 0 };
let total = 0;    // of what is listed; -1: not known yet
let unseen = 0;   // that came while it was scrolled
let connected = false;

const detail = new Detail($("detail"), {
  closed: () => { list.select(0, false); list.holder.focus({ preventScroll: true }); },
  deleted: (id) => { list.without((other) => other === id); total = list.ids.length; tell(); },
});
const list = new List($("list"), {
  open: (id) => detail.open(id, true),
  moved: (id) => { if (detail.id) detail.open(id, false); },
  scrolled: () => { if (list.atTop) unseen = 0; tell(); },
});
const charts = new Charts($("charts"), $("chart-button"), {
  query: () => query(),
  type: (type) => { filters.elements.type.value = filters.elements.type.value === type ? "" : type; look(); },
});

// query is the filter as the server reads it.
const query = () => {
  const f = filters.elements, words = search.value.trim();
  return {
    text: /^[a-z]$/i.test(words) ? "" : words, // one letter begins nearly everything
    type: f.type.value,
    since: f.since.value && Date.now() - f.since.value * 1000,
    only: [f.answer.value, f.duplicates.checked && "duplicates", f.findings.checked && "findings"].filter(Boolean),
  };
};
const filtered = () => Object.values(query()).some((v) => v.length || v > 0);

let asked; // the newest request; those before it do not count
// look asks for what the filter chooses: at first the rows that are seen, then
// the ids of all.
const look = attempt(async (keepPlace) => {
  asked?.abort();
  const mine = asked = new AbortController();
  const q = query();
  $("clear").hidden = !filtered();
  const page = data.first && !filtered() ? data.first : await get("list", { ...q, limit: first }, mine.signal);
  data.first = null; // it came with the page
  Object.assign(log, { first: page.first, last: page.last });
  list.know(page.rows);
  total = page.whole ? page.rows.length : -1;
  if (page.whole || !keepPlace) list.replace(page.rows.map((r) => r.id).reverse(), keepPlace);
  unseen = 0;
  tell();
  charts.later();
  performance.mark("rows");
  if (page.whole) return;
  const all = await get("index", q, mine.signal);
  const ids = [];
  for (const [newest, n] of all.runs) for (let i = 0; i < n; i++) ids.push(newest - i);
  log.last = Math.max(log.last, all.last, ids[0] || 0);
  const newer = list.ids.filter((id) => id > Math.max(all.last, ids[0] || 0)); // came meanwhile
  list.replace([...ids.reverse(), ...newer], true);
  total = list.ids.length;
  tell();
  performance.mark("all");
});

// tell says how much there is, and whether it is live.
const tell = () => {
  const n = total < 0 ? "…" : count(total);
  const what = total === 1 ? " delivery" : " deliveries";
  const live = el("span", connected ? "live good" : "live muted", connected ? (list.atTop ? "live" : "paused") : "connecting");
  $("state").replaceChildren(el("span", "total", n + what), live);
  const pill = $("fresh");
  pill.hidden = !unseen;
  pill.textContent = unseen ? "↑ " + count(unseen) + " new" : "";
  const none = $("none");
  none.hidden = total !== 0;
  if (!none.hidden) none.replaceChildren(...nothing());
};

const nothing = () => {
  if (filtered()) {
    return [el("h2", "", "Nothing matches"), el("p", "muted", "No delivery in the log meets all of this."), button("", "Clear search and filters", clear)];
  }
  const parts = [el("h2", "", "No deliveries yet"), el("p", "muted", "They appear here as they come.")];
  if (data.try) parts.push(el("p", "muted", "To try it, from another terminal:"), el("pre", "", show(data.try)));
  return parts;
};

const clear = () => {
  search.value = "";
  filters.reset();
};

let typing;
search.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(look, 25);
});
filters.addEventListener("change", () => look());
filters.addEventListener("reset", () => setTimeout(look));
filters.addEventListener("submit", (e) => e.preventDefault());
$("fresh").addEventListener("click", () => { list.holder.scrollTop = 0; list.holder.focus(); });

// What comes.

let coming = false, more = false;
// come asks for what came after what is listed, one request at a time.
const come = attempt(async () => {
  if (coming) { more = true; return; }
  coming = true;
  try {
    do {
      more = false;
      const q = { ...query(), after: log.last }, mine = asked;
      const page = await get("list", { ...q, limit: first });
      let ids = page.rows.map((r) => r.id), last = page.last;
      if (!page.whole) {
        const all = await get("index", q);
        ids = all.runs.flatMap(([newest, n]) => Array.from({ length: n }, (_, i) => newest - i));
        last = all.last;
      }
      if (mine !== asked) return; // another filter
      list.know(page.rows);
      ids = ids.filter((id) => id > log.last).reverse();
      log.last = Math.max(log.last, last, ids.at(-1) || 0);
      if (ids.length) {
        if (!list.atTop) unseen += ids.length;
        list.add(ids);
        total = total < 0 ? total : list.ids.length;
        charts.later();
        tell();
      }
    } while (more);
  } finally {
    coming = false;
  }
});

let source, again;
const connect = () => {
  source?.close();
  clearTimeout(again);
  if (document.hidden) return; // a browser has few connections to a server
  source = new EventSource("/api/live?after=" + log.last);
  source.onopen = () => { connected = true; tell(); };
  source.onmessage = (e) => {
    const news = JSON.parse(e.data);
    if (news.first > log.first) {
      log.first = news.first;
      if (list.without((id) => id < news.first)) total = list.ids.length;
    }
    if (news.changed) {
      detail.changed(news.changed);
      const only = query().only;
      if (only.some((word) => word !== "duplicates")) look(true); else list.forget(news.changed);
      charts.later();
    }
    if (news.last > log.last) come();
  };
  source.onerror = source.onproblem = () => {
    source.close();
    connected = false;
    tell();
    again = setTimeout(connect, 1000);
  };
};
document.addEventListener("visibilitychange", connect);

// Keys that work everywhere.
document.addEventListener("keydown", (e) => {
  const typed = e.target.closest("input, select, textarea, dialog");
  if (e.key === "Escape" && !e.defaultPrevented) {
    if (document.querySelector("dialog")) return; // it closes by itself
    if (e.target === search && search.value) { clear(); return; }
    if (e.target === search) { list.holder.focus(); return; }
    if (detail.id) { e.preventDefault(); detail.close(); }
    return;
  }
  if (typed || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "/") { e.preventDefault(); search.select(); search.focus(); }
  if ((e.key === "j" || e.key === "k") && !list.holder.contains(e.target)) list.key(e);
});
search.addEventListener("keydown", (e) => {
  if (e.key !== "ArrowDown" && e.key !== "Enter" || !list.ids.length) return;
  e.preventDefault();
  list.holder.focus();
  list.select(list.at(0));
});

const route = () => {
  const id = parseInt(location.hash.slice(1), 10);
  if (id > 0) { list.select(id); detail.open(id, false); } else if (detail.id) detail.close();
};
addEventListener("hashchange", route);

tell();
await look();
connect();
route();
