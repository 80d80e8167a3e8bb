// One delivery: as a person reads it, as JSON, as it came, and what can be done
// with it.

import { data, el, text, show, get, button, copy, attempt, ms, bytes, moment, answerOf } from "./base.js";
import { parse } from "./json.js";
import { tree, reveal } from "./tree.js";
import { call, headline } from "./call.js";
import { copies } from "./diff.js";
import { send, fixture, remove } from "./action.js";

const longest = 256 << 10; // characters of a raw body that are shown at once

export class Detail {
  // closed is called when it was closed, deleted when the delivery is gone.
  constructor(holder, { closed, deleted }) {
    this.holder = holder;
    this.id = 0;
    this.tab = "call";
    this.calls = { closed, deleted };
  }

  close() {
    this.id = 0;
    this.asked?.abort();
    this.holder.hidden = true;
    this.holder.replaceChildren();
    document.body.classList.remove("opened");
    if (location.hash) history.replaceState(null, "", location.pathname);
    this.calls.closed();
  }

  // open shows a delivery. Into: the person went there, and so does the focus.
  open = attempt(async (id, into) => {
    this.asked?.abort();
    const mine = this.asked = new AbortController();
    let delivery;
    try {
      delivery = await get("delivery/" + id, {}, mine.signal);
    } catch (err) {
      if (err.name !== "AbortError" && this.id === id) this.close();
      throw err;
    }
    this.id = id;
    if (location.hash !== "#" + id) history.replaceState(null, "", "#" + id);
    this.show(delivery);
    if (into) this.holder.focus({ preventScroll: true });
  });

  // changed looks again when the outcome of what is shown came.
  changed(ids) { if (ids.includes(this.id)) this.open(this.id, false); }

  show(d) {
    this.delivery = d;
    let root = null, problem = "";
    try {
      if (d.payload !== null) root = parse(d.payload);
    } catch (err) { problem = err.message; }
    const findings = d.findings || [];
    const panels = {
      call: ["Call", () => (root ? call(root, findings, (pointer) => this.goTo(pointer)) : el("div", "", el("p", "muted", d.refusal ? "This was refused, and not taken for a delivery." : d.problem || problem || "There is no payload."), raw(d)))],
      json: ["JSON", () => (root ? tree(root, findings) : el("p", "muted", d.problem || problem || "This is no text."))],
      raw: ["Raw", () => raw(d)],
      headers: ["Headers", () => headers(d)],
    };
    if (d.forward || d.attempts.length) panels.response = ["Response", () => responses(d), d.attempts.length];
    if (d.copies.length) panels.copies = ["Duplicates", () => copies(d), d.copies.length];
    if (!panels[this.tab]) this.tab = "call";

    const head = el("div", "top", el("p", "from", "#" + d.id + " · " + moment(d.at)), button("quiet close", "✕", () => this.close(), "Close (Esc)"));
    head.lastChild.setAttribute("aria-label", "Close");
    const panel = el("div", "panel");
    panel.setAttribute("role", "tabpanel");
    panel.id = "panel";
    panel.tabIndex = 0;
    const tabs = el("div", "tabs");
    tabs.setAttribute("role", "tablist");
    const pick = (name, focus) => {
      this.tab = name;
      for (const t of tabs.children) {
        const on = t.dataset.name === name;
        t.setAttribute("aria-selected", on);
        t.tabIndex = on ? 0 : -1;
        if (on) panel.setAttribute("aria-labelledby", t.id);
        if (on && focus) t.focus();
      }
      panel.replaceChildren(panels[name][1]());
    };
    this.pick = pick;
    for (const [name, [label, , n]] of Object.entries(panels)) {
      const t = button("", label, () => pick(name));
      if (n) t.append(" ", el("small", "", n));
      t.id = "tab-" + name;
      t.dataset.name = name;
      t.setAttribute("role", "tab");
      t.setAttribute("aria-controls", "panel");
      tabs.append(t);
    }
    tabs.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key], names = Object.keys(panels);
      if (!step) return;
      e.preventDefault();
      pick(names.at((names.indexOf(this.tab) + step) % names.length), true);
    });
    this.holder.replaceChildren(el("header", "", head, ...headline(d), d.call ? callID(d) : null, became(d), this.actions(d)), tabs, panel);
    this.holder.hidden = false;
    document.body.classList.add("opened");
    pick(this.tab);
    this.holder.scrollTop = 0;
  }

  goTo(pointer) {
    this.pick("json", true);
    reveal(this.holder, pointer);
  }

  actions(d) {
    const all = [];
    if (data.can.send && d.payload !== null) all.push(button("main", "Send again…", () => send(d, () => (this.id === d.id ? this.open(d.id, false) : null))));
    if (data.can.curl) all.push(button("", "Copy as curl", attempt(async () => copy((await get("curl/" + d.id)).command, "curl command"))));
    const save = el("a", "button", "Save body");
    save.href = "/api/body/" + d.id;
    save.download = "";
    all.push(save);
    if (data.can.fixture) all.push(button("", "Make a fixture", () => fixture(d)));
    if (data.can.delete) all.push(button("danger", "Delete…", () => remove(d, () => { this.close(); this.calls.deleted(d.id); })));
    const bar = el("div", "actions", ...all);
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "Actions");
    return bar;
  }
}

// callID is the key by which other systems know the call.
const callID = (d) => el("p", "call-id", el("span", "muted", "Call id"), text("code", "", d.call), button("quiet", "Copy", () => copy(d.call, "Call id"), "Copy the call id"));

// became is what became of a delivery, in one line.
const became = (d) => {
  const [status, tone, why] = answerOf(d);
  const parts = [el("span", "badge " + tone, status)];
  if (why) parts.push(text("span", tone, why + (d.reason ? ": " + d.reason : "")));
  if (d.took != null) parts.push(el("span", "", "answered in " + ms(d.took)));
  if (d.copy > 1) parts.push(el("span", "badge unsure", "duplicate #" + d.copy));
  const f = d.forward;
  if (f) {
    const ok = f.status >= 200 && f.status < 300;
    parts.push(el("span", "", "forwarded: ", el("span", "badge " + (ok ? "good" : "bad"), f.status || "none"), " in " + ms(f.took),
      f.attempts > 1 ? ", " + f.attempts + " attempts" : "", f.error ? text("span", "bad", " " + f.error) : null));
  }
  return el("p", "became", ...parts);
};

const raw = (d) => {
  if (d.payload === null) {
    const hex = [...atob(d.base64 || "")].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0"));
    const lines = Array.from({ length: Math.ceil(hex.length / 16) }, (_, i) => hex.slice(16 * i, 16 * i + 16).join(" "));
    return el("div", "", el("p", "muted", (d.problem || "This is no text in UTF-8") + (d.size ? "; its beginning:" : "")), el("pre", "raw", lines.join("\n")));
  }
  const body = el("pre", "raw", show(d.payload.slice(0, longest)));
  const bar = el("div", "tools", button("quiet", "Copy", () => copy(d.payload, "Body")));
  const box = el("div", "", bar, body);
  if (d.payload.length > longest) {
    const rest = button("quiet", "Show all " + bytes(d.size), () => { body.textContent = show(d.payload); rest.remove(); });
    box.append(rest);
  }
  return box;
};

// responses are what endpoints answered: to the delivery, and to each attempt to
// deliver it again.
const responses = (d) => {
  const one = (title, to, r) => {
    const ok = r.status >= 200 && r.status < 300, a = r.answer;
    const section = el("section", "", el("h3", "", title), el("p", "",
      el("span", "badge " + (ok ? "good" : "bad"), r.status || "none"), " in " + ms(r.took), r.attempts > 1 ? ", " + r.attempts + " attempts" : "",
      to ? text("span", "muted", " from " + to) : null, r.error ? text("span", "bad", " " + r.error) : null));
    if (!a) return section;
    if (a.header.length) section.append(facts(a.header));
    if (a.body) section.append(el("pre", "raw", show(a.body)));
    else if (a.size) section.append(el("p", "muted", "The body is no text in UTF-8."));
    const kept = 64 << 10;
    if (a.size > kept) section.append(el("p", "muted", "Of " + bytes(a.size) + " the beginning was kept."));
    return section;
  };
  return el("div", "call",
    d.forward ? one("Endpoint", d.forward.to, d.forward) : null,
    ...d.attempts.map((a, i) => one("Redelivery " + (i + 1) + " · " + moment(a.at) + " · " + a.by, a.to, a)));
};

const facts = (rows) => el("dl", "facts code", ...rows.filter(([, v]) => v !== "").flatMap(([name, v]) => [text("dt", "", name), text("dd", v === "[masked]" ? "muted" : "", v)]));

const headers = (d) => {
  const sum = [...atob(d.sha256 || "")].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return el("div", "call",
    el("section", "", el("h3", "", "Request"), facts([["Line", [d.method, d.uri, d.proto].join(" ")], ["Host", d.host], ["From", d.remote], ["Size", bytes(d.size)], ["SHA-256", sum]])),
    el("section", "", el("h3", "", "Header"), d.header.length ? facts(d.header) : el("p", "muted", "None was sent.")));
};
