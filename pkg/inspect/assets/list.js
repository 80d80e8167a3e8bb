// A list of any length: only the rows that are seen are in the document.

import { el, text, show, get, button, copy, clock, callTime, bytes, ms, dot, answerOf } from "./base.js";

const beyond = 12;     // rows that are drawn above and below those that are seen
const remembered = 4000; // rows that are kept when they are not seen
const atOnce = 200;    // rows that are asked for at a time

// cells are those of a row: what they are called and what stands in them.
const fill = (e, row) => {
  const [status, tone, why] = answerOf(row);
  const contact = el("span", "c-contact", text("b", "", row.name || (row.call ? row.call : row.method + " request")));
  if (row.phone) contact.append(" ", text("small", "", row.phone));
  const type = el("span", "c-type", dot(row.type), text("span", "", row.type || row.refusal || "–"));
  const id = text("span", "c-call", row.call || "–");
  if (row.call) {
    id.title = show(row.call);
    const take = button("quiet take", "copy", (e) => { e.stopPropagation(); copy(row.call, "Call id"); }, "Copy the call id (c)");
    take.tabIndex = -1; // the key c does it for the selected row
    id.append(take);
  }
  const arrow = row.direction === "inbound" ? "↙" : row.direction === "outbound" ? "↗" : "";
  const call = el("span", "c-seconds", el("i", "arrow", arrow), row.seconds == null ? "–" : callTime(row.seconds));
  call.title = row.direction ? row.direction + " call" : "";
  const answer = el("span", "c-answer", el("span", "badge " + tone, status));
  answer.title = show(why);
  const marks = el("span", "c-marks");
  if (row.copy > 1) marks.append(el("span", "badge unsure", "dup #" + row.copy));
  if (row.errors + row.warnings) {
    const badge = el("span", "badge " + (row.errors ? "bad" : "warn"), (row.errors ? "✗ " : "! ") + (row.errors + row.warnings));
    badge.title = findings(row);
    marks.append(badge);
  }
  e.replaceChildren(el("span", "c-time", clock(row.at)), type, contact, id, call,
    el("span", "c-size", bytes(row.size)), answer, el("span", "c-took", row.took == null ? "–" : ms(row.took)), marks);
  e.setAttribute("aria-label", label(row, status));
};

const findings = (row) => [[row.errors, "error"], [row.warnings, "warning"]]
  .filter(([n]) => n).map(([n, word]) => n + " " + word + (n > 1 ? "s" : "")).join(", ");

// label is a row as it is read out.
const label = (row, status) => [
  row.name || row.call || "request", row.type || row.refusal, clock(row.at),
  row.direction && row.direction + " call of " + callTime(row.seconds),
  row.took == null ? "unanswered" : "answered " + status + " in " + ms(row.took),
  row.copy > 1 && "duplicate, copy " + row.copy, findings(row),
].filter(Boolean).map(show).join(", ");

export class List {
  // open is called with the id of a row that a person chose, moved when the
  // selection moved, scrolled when the list was.
  constructor(holder, { open, moved, scrolled }) {
    this.holder = holder;
    this.room = holder.querySelector(".room"); // below the head, which stays where it is
    this.ids = [];          // oldest first: those that come are at the end
    this.rows = new Map();  // what is known, by id
    this.drawn = new Map(); // elements, by id
    this.fresh = new Set(); // ids that came while it was looked at
    this.selected = 0;
    this.calls = { open, moved, scrolled };
    holder.addEventListener("scroll", () => { this.draw(); scrolled(); }, { passive: true });
    holder.addEventListener("keydown", (e) => this.key(e));
    holder.addEventListener("click", (e) => {
      const row = e.target.closest(".room .row");
      if (row) { this.select(+row.dataset.id); open(this.selected); }
    });
    new ResizeObserver(() => this.resized()).observe(holder);
  }

  get height() { return this.holder.clientWidth < 600 ? 60 : 38; }
  // seen is how much of the room is.
  get seen() { return this.holder.clientHeight - this.room.offsetTop; }
  get atTop() { return this.holder.scrollTop < this.height / 2; }
  at(i) { return this.ids[this.ids.length - 1 - i]; }

  // place is where a row stands, -1 if it does not.
  place(id) {
    let low = 0, high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ids[middle] < id) low = middle + 1; else high = middle;
    }
    return this.ids[low] === id ? this.ids.length - 1 - low : -1;
  }

  // replace shows other deliveries: ids, oldest first.
  replace(ids, keepPlace) {
    this.ids = ids;
    this.fresh.clear();
    if (!keepPlace) this.holder.scrollTop = 0;
    this.draw();
  }

  // add puts newer deliveries, oldest first, on top. What is looked at stays.
  add(ids) {
    const paused = !this.atTop;
    for (const id of ids) {
      this.ids.push(id);
      this.fresh.add(id);
    }
    if (paused) {
      this.stretch();
      this.holder.scrollTop += ids.length * this.height;
    }
    this.draw();
  }

  // without takes deliveries out that are not in the log any more.
  without(gone) {
    const n = this.ids.length;
    this.ids = this.ids.filter((id) => !gone(id));
    if (this.ids.length < n) this.draw();
    return n - this.ids.length;
  }

  know(rows) {
    for (const row of rows) {
      this.rows.set(row.id, row);
      const e = this.drawn.get(row.id);
      if (e) fill(e, row);
    }
    if (this.rows.size > remembered) {
      const seen = new Set(this.drawn.keys());
      for (const id of this.rows.keys()) {
        if (this.rows.size <= remembered / 2) break;
        if (!seen.has(id)) this.rows.delete(id);
      }
    }
  }

  // forget asks again for what has changed.
  forget(ids) {
    this.stale = new Set([...(this.stale || []), ...ids.filter((id) => this.rows.has(id))]);
    this.draw();
  }

  stretch() { this.room.style.height = this.ids.length * this.height + "px"; }

  // resized keeps the selected row in view if it was: the charts above may come
  // after it was selected.
  resized() {
    const bottom = (this.place(this.selected) + 1) * this.height - this.holder.scrollTop;
    const inView = this.selected && bottom >= this.height && bottom <= this.wasSeen;
    this.wasSeen = this.seen;
    if (inView) this.select(this.selected); else this.draw();
  }

  draw() {
    this.stretch();
    const height = this.height, top = this.holder.scrollTop;
    const from = Math.max(0, Math.floor(top / height) - beyond);
    const to = Math.min(this.ids.length, Math.ceil((top + this.holder.clientHeight) / height) + beyond);
    const old = this.drawn;
    this.drawn = new Map();
    const missing = [];
    for (let i = from; i < to; i++) {
      const id = this.at(i);
      let e = old.get(id);
      old.delete(id);
      if (!e) {
        e = el("div", "row");
        e.id = "d" + id;
        e.dataset.id = id;
        e.setAttribute("role", "option");
        if (this.fresh.delete(id)) e.classList.add("fresh");
        const row = this.rows.get(id);
        if (row) fill(e, row); else e.classList.add("waiting");
        this.room.append(e);
      } else if (this.rows.has(id)) e.classList.remove("waiting");
      e.style.transform = `translateY(${i * height}px)`;
      e.setAttribute("aria-setsize", this.ids.length);
      e.setAttribute("aria-posinset", i + 1);
      e.setAttribute("aria-selected", id === this.selected);
      this.drawn.set(id, e);
      if (!this.rows.has(id) || this.stale?.has(id)) missing.push(id);
    }
    for (const e of old.values()) e.remove();
    if (this.drawn.has(this.selected)) this.holder.setAttribute("aria-activedescendant", "d" + this.selected);
    else this.holder.removeAttribute("aria-activedescendant");
    if (missing.length) this.fetch(missing.slice(0, atOnce));
  }

  // fetch asks for rows, one request at a time; when it is there, what is seen
  // then is looked at anew.
  async fetch(ids) {
    if (this.asking) return;
    this.asking = true;
    for (const id of ids) this.stale?.delete(id);
    let failed = false;
    try {
      const { rows } = await get("rows", { ids: ids.join(",") });
      this.know(rows);
      const there = new Set(rows.map((r) => r.id));
      const gone = new Set(ids.filter((id) => !there.has(id)));
      if (gone.size) this.without((id) => gone.has(id));
    } catch { failed = true; }
    this.asking = false;
    if (failed) setTimeout(() => this.draw(), 1000); else this.draw();
  }

  // select moves the selection, and what is seen with it.
  select(id, into = true) {
    this.selected = id;
    const i = this.place(id);
    if (into && i >= 0) {
      const height = this.height, top = i * height, h = this.holder;
      if (top < h.scrollTop) h.scrollTop = top;
      if (top + height > h.scrollTop + this.seen) h.scrollTop = top + height - this.seen;
    }
    this.draw();
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(1, Math.floor(this.holder.clientHeight / this.height) - 1);
    const i = this.place(this.selected), last = this.ids.length - 1;
    if (e.key === "c" && this.rows.get(this.selected)?.call) copy(this.rows.get(this.selected).call, "Call id");
    const to = { ArrowDown: i + 1, j: i + 1, ArrowUp: i - 1, k: i - 1, PageDown: i + page, PageUp: i - page, Home: 0, End: last }[e.key];
    if (to !== undefined && last >= 0) {
      e.preventDefault();
      this.select(this.at(Math.min(Math.max(to, 0), last)));
      this.calls.moved(this.selected);
    } else if ((e.key === "Enter" || e.key === " ") && i >= 0) {
      e.preventDefault();
      this.calls.open(this.selected);
    }
  }
}
