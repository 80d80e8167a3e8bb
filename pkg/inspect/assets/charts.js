// What came over the time, and how fast it was answered.

import { el, text, get, dot, toneOf, count, button, ms } from "./base.js";

const height = 150;
const fewest = 12; // spans of a chart
const per = { 1: "second", 60: "minute", 3600: "hour", 86400: "day", 604800: "week" };

export class Charts {
  // query is the filter; type is called with a result type that was chosen.
  constructor(holder, toggle, { query, type }) {
    Object.assign(this, { holder, toggle, query, type, drawn: [] });
    toggle.addEventListener("click", () => {
      this.open(this.holder.hidden);
      localStorage.setItem("charts", this.holder.hidden ? "closed" : "open");
    });
    // Bars keep the colours that they were made with.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (!this.holder.hidden) this.draw(); });
    const kept = localStorage.getItem("charts");
    if (kept ? kept === "open" : innerHeight >= 760 && innerWidth >= 1000) this.open(true);
  }

  open(on) {
    this.holder.hidden = !on;
    this.toggle.setAttribute("aria-expanded", on);
    if (on) this.later();
  }

  // later draws anew soon, and seldom.
  later() {
    if (this.holder.hidden) return;
    if (this.waiting) { this.again = true; return; }
    this.waiting = setTimeout(async () => {
      await this.draw().catch((err) => { console.error(err); }); // the list tells the person what is wrong
      setTimeout(() => { this.waiting = 0; if (this.again) { this.again = false; this.later(); } }, 1500);
    }, 300); // the list comes first
  }

  async draw() {
    const t = await get("timeline", this.query());
    // One span is a point: there is nothing to see in it.
    const lines = t.spans.filter((s) => s.first + s.duplicates + s.failed).length > 1;
    const timed = t.spans.filter((s) => s.took[0]).length > 1;
    this.toggle.disabled = !lines;
    this.toggle.title = lines ? "" : "There is nothing to draw yet";
    const began = lines && t.spans[0]?.at; // a short time stands at the end of a longer one
    for (let n = t.spans.length; began && n < fewest; n++) t.spans.unshift({ at: t.spans[0].at - t.step, first: 0, duplicates: 0, failed: 0, took: [] });
    const at = t.spans.map((s) => s.at), of = (f) => t.spans.map(f);
    const span = per[t.step] || page.seconds(t.step);
    const took = (i) => of((s) => s.took[i] || null);
    const spec = (more) => ({ x: "clock", height, step: t.step, ...more });
    const specs = began ? [
      ["Deliveries per " + span, spec({
        y: "count", stack: true, columns: [at, of((s) => s.first), of((s) => s.duplicates), of((s) => s.failed)],
        series: [{ label: "first", ink: "data1" }, { label: "duplicates", ink: "data5" }, { label: "not acknowledged", ink: "data-bad" }],
      })],
      timed && ["Latency of what was acknowledged", spec({
        y: "ms", columns: [at, took(0), took(1), took(2)],
        series: [{ label: "p50 " + ms(t.took[0]), ink: "data3", weight: 2 }, { label: "p95 " + ms(t.took[1]), ink: "data2" }, { label: "p99 " + ms(t.took[2]), ink: "data5" }],
      })],
    ].filter(Boolean) : [];
    for (const c of this.drawn) c.remove();
    this.drawn = [];
    const figures = specs.map(([title, s]) => {
      const figure = el("figure", "plot");
      return [el("div", "", el("h3", "", title), figure), figure, { ...s, title }];
    });
    if (!began) return this.holder.replaceChildren();
    this.holder.replaceChildren(...figures.map(([box]) => box), this.types(t));
    this.drawn = figures.map(([, figure, s]) => page.chart(figure, s));
  }

  types(t) {
    const most = Math.max(1, ...t.types.map((r) => r.count));
    const duplicates = t.spans.reduce((n, s) => n + s.duplicates, 0), all = t.spans.reduce((n, s) => n + s.first + s.duplicates + s.failed, 0);
    const rows = t.types.slice(0, 7).map((r) => {
      const bar = el("i", "share");
      bar.style.color = `var(--${toneOf(r.name)})`;
      bar.style.width = 100 * r.count / most + "%";
      const b = button("type", "", () => this.type(r.name), "Show these alone");
      b.append(dot(r.name), text("span", "", r.name), el("span", "track", bar), el("span", "number", count(r.count)));
      return el("li", "", b);
    });
    const share = duplicates ? (100 * duplicates / all).toFixed(duplicates * 10 < all ? 1 : 0) : "0";
    return el("div", "types", el("h3", "", "Result types"), el("ul", "", ...rows),
      el("p", "muted", count(duplicates) + (duplicates === 1 ? " duplicate, " : " duplicates, ") + share + "% of " + count(all)));
  }
}
