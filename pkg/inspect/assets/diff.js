// What differs between two deliveries of a call, side by side.

import { el, text, show, get, clock, attempt, answerOf } from "./base.js";

// copies lists the deliveries of a call and compares two of them: the first and
// the one that is looked at, unless a person chooses others.
export const copies = (delivery, open) => {
  const result = el("div", "compared");
  const choose = (name, chosen) => {
    const select = el("select", "", ...delivery.copies.map((c) => new Option("#" + c.id + "  " + clock(c.at), c.id, false, c.id === chosen)));
    select.setAttribute("aria-label", name);
    select.addEventListener("change", () => compare());
    return select;
  };
  const other = delivery.copies.find((c) => c.id !== delivery.id)?.id;
  const a = choose("Compare", other), b = choose("with", delivery.id);
  const compare = attempt(async () => {
    if (a.value === b.value) { result.replaceChildren(el("p", "muted", "Choose two different ones.")); return; }
    const [change, left, right] = await Promise.all([get("compare", { a: a.value, b: b.value }), get("delivery/" + a.value), get("delivery/" + b.value)]);
    result.replaceChildren(...compared(change, left, right));
  });
  compare();
  return el("div", "", el("ol", "copies", ...delivery.copies.map((c) => {
    const [status, tone] = answerOf(c);
    const link = el("a", "", "#" + c.id);
    link.href = "#" + c.id;
    const item = el("li", c.id === delivery.id ? "this" : "", link, el("span", "", clock(c.at)), el("span", "badge " + tone, status),
      el("span", "muted", c.copy > 1 ? "DUP " + c.copy : "first"));
    return item;
  })), el("div", "tools", "Compare ", a, " with ", b), result);
};

const verdicts = {
  same: ["good", "The same bytes."],
  layout: ["good", "The same values, written differently."],
  unknown: ["warn", "The bytes differ, and they are not both JSON."],
};

const compared = (change, left, right) => {
  const n = change.fields.length + change.more;
  const [tone, words] = verdicts[change.kind] || ["warn", n + (n === 1 ? " value differs." : " values differ.")];
  const parts = [el("p", "verdict " + tone, words)];
  const rows = change.fields.map((f) => [f.pointer || "the whole payload", pretty(f.old), pretty(f.new)]);
  if (change.kind === "layout" || change.kind === "unknown") rows.push(["bytes", left.payload ?? "", right.payload ?? ""]);
  if (rows.length) parts.push(sides("Payload", left, right, rows));
  if (change.more) parts.push(el("p", "muted", "and " + change.more + " more"));
  const headers = headerRows(left.header, right.header);
  if (headers.length) parts.push(sides("Header", left, right, headers));
  return parts;
};

const pretty = (json) => {
  if (!json) return null; // not there
  try {
    const value = JSON.parse(json);
    return typeof value === "string" ? value : typeof value === "object" && value && !deep(json) ? JSON.stringify(value, null, 2) : json;
  } catch { return json; }
};

// deep reports whether JSON is nested so deep that the room before its lines
// would be far more than what is in them.
const deep = (json) => {
  let levels = 0;
  for (const [mark] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (mark === "{" || mark === "[") levels++;
    else if (mark === "}" || mark === "]") levels--;
    if (levels > 40) return true;
  }
  return false;
};

const headerRows = (left, right) => {
  const of = (header) => Map.groupBy(header, ([name]) => name);
  const a = of(left), b = of(right);
  const join = (list) => list?.map(([, value]) => value).join("\n") ?? null;
  return [...new Set([...a.keys(), ...b.keys()])].sort().map((name) => [name, join(a.get(name)), join(b.get(name))])
    .filter(([, x, y]) => x !== y);
};

const sides = (title, left, right, rows) => {
  const head = el("tr", "", ...[title, "#" + left.id, "#" + right.id].map((t) => {
    const th = el("th", "", t);
    th.scope = "col";
    return th;
  }));
  const body = rows.map(([name, x, y]) => {
    const [was, is] = marked(x, y);
    const th = el("th", "", text("code", "", name));
    th.scope = "row";
    return el("tr", "", th, el("td", "was", was), el("td", "is", is));
  });
  return el("div", "table", el("table", "sides", el("thead", "", head), el("tbody", "", ...body)));
};

const around = 60; // characters of what is the same that are shown

// marked is both texts with what differs marked, and little of what does not.
const marked = (x, y) => {
  if (x === null) return [el("span", "muted", "not there"), el("pre", "", el("ins", "", show(y)))];
  if (y === null) return [el("pre", "", el("del", "", show(x))), el("span", "muted", "not there")];
  const a = [...show(x)], b = [...show(y)], least = Math.min(a.length, b.length);
  let head = 0, tail = 0;
  while (head < least && a[head] === b[head]) head++;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const cut = (all, tag) => {
    const before = all.slice(0, head).join(""), after = all.slice(all.length - tail).join("");
    const middle = all.slice(head, all.length - tail).join("");
    const e = el("pre", "", before.length > around ? "…" + before.slice(-around) : before, el(tag, "", middle || "∅"), after.length > around ? after.slice(0, around) + "…" : after);
    e.dir = "auto";
    return e;
  };
  return [cut(a, "del"), cut(b, "ins")];
};
