"use strict";

// What scripts of julianctl's pages share: data, elements, units, charts.
// Whatever is shown becomes text through textContent, never markup.
const page = (() => {
  // data is the JSON that the page carries under an id.
  const data = (id = "data") => JSON.parse(document.getElementById(id).textContent);

  // el makes an element of a class with children, which are elements or text.
  const el = (tag, className, ...children) => {
    const e = document.createElement(tag);
    if (className) e.className = className;
    e.append(...children.filter((c) => c != null));
    return e;
  };

  // Units, in the forms that pkg/units writes. A value that is not there is a
  // dash. Labels of an axis have more digits, or two of them could be the same.

  const short = (v, digits = 2) => {
    const scale = 10 ** Math.max(0, digits - (v < 9.95 ? 1 : v < 99.5 ? 2 : 3));
    return String(Math.round(v * scale) / scale);
  };

  // two is n in a larger unit and the rest in a smaller one, where there is any.
  const two = (n, each, large, small) => Math.floor(n / each) + large + (n % each ? String(n % each).padStart(2, "0") + small : "");

  // ms is a time of so many milliseconds, such as 310µs, 1.2s or 2m05s.
  const ms = (v, digits) => {
    if (v == null) return "–";
    if (v === 0) return "0s";
    if (v < 0.9995) return digits ? short(v * 1000, digits) + "µs" : Math.round(v * 1000) + "µs";
    if (v < 999.5) return short(v, digits) + "ms";
    if (v < 59500) return short(v / 1000, digits) + "s";
    const s = Math.round(v / 1000);
    if (s < 3600) return two(s, 60, "m", "s");
    return s < 48 * 3600 ? two(Math.floor(s / 60), 60, "h", "m") : two(Math.floor(s / 3600), 24, "d", "h");
  };

  // seconds is a time of so many seconds.
  const seconds = (s, digits) => (s == null ? "–" : ms(s * 1000, digits));

  // bytes is a size, such as 512B, 1.4KiB or 10MiB.
  const bytes = (v, digits) => {
    const all = ["B", "KiB", "MiB", "GiB", "TiB"];
    let i = 0;
    for (; i < all.length - 1 && v >= 999.5; i++) v /= 1024;
    return (i ? short(v, digits) : v) + all[i];
  };

  // rate is a number a second, such as 0.25, 2.5 or 12,345.
  const rate = (v) => (v == null ? "–" : v > 0 && v < 0.005 ? "<0.01" : v < 0.995 ? short(v, 3) : v < 9.95 ? short(v) : count(Math.round(v)));
  const count = (v) => (v == null ? "–" : v.toLocaleString("en"));

  // clock is a point in time, in seconds since 1970, in the reader's zone.
  const clock = (s) => new Date(s * 1000).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
  // clockLabel is one on an axis with so many seconds between labels.
  const clockLabel = (s, step) => {
    const t = new Date(s * 1000), midnight = t.getHours() + t.getMinutes() + t.getSeconds() === 0;
    if (step >= 86400 || midnight) return t.toLocaleString("en", { month: "short", day: "numeric" });
    return t.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", second: step < 60 ? "2-digit" : undefined, hourCycle: "h23" });
  };

  // percentile shows 99.9 as "p99.9".
  const percentile = (p) => "p" + +p.toFixed(6);

  // Colours are CSS tokens (page.css). A canvas wants the colour itself, which
  // the browser works out on an element that nobody sees.
  const probe = el("span");
  probe.hidden = true;
  const ink = (token, percent = 100) => {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `color-mix(in srgb, var(--${token}) ${percent}%, transparent)`;
    return getComputedStyle(probe).color;
  };

  // A percentile's place on its axis: each nine takes as much room as the one
  // before, so the few slow answers are seen as well as the many fast ones.
  const nines = (p) => -Math.log10(1 - Math.min(p, 99.999999) / 100);
  const ofNines = (x) => 100 - 100 * 10 ** -x;

  const binary = Array.from({ length: 30 }, (_, i) => 2 ** (i + 4));
  const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const kindsOfX = {
    elapsed: { show: (s) => seconds(s, 3), axis: { incrs: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, ...spans], space: 70 } },
    clock: { show: clock, time: true, axis: { space: 70, incrs: spans, values: (u, vs, i, space, step) => vs.map((v) => clockLabel(v, step)) } },
    bytes: { show: (v) => bytes(v, 3), axis: { incrs: binary, space: 90 } },
    number: { show: (v) => count(v), axis: { space: 60 } },
    percentile: {
      show: (x) => percentile(ofNines(x)),
      axis: {
        splits: (u) => [50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999].map(nines).filter((x) => x <= u.scales.x.max),
        filter: (u, splits) => apart(u, splits),
        grid: { stroke: () => ink("line"), width: 1, filter: (u, splits) => apart(u, splits) },
      },
    },
  };
  const kindsOfY = { ms: { show: (v) => ms(v, 3) }, count: { show: count }, rate: { show: (v) => (v == null ? "–" : short(v, 3) + "/s") } };

  // apart drops the percentiles whose labels would run into the one before.
  const apart = (u, splits) => {
    let end = -Infinity;
    return splits.map((x) => {
      const at = u.valToPos(x, "x"), half = 4 * percentile(ofNines(x)).length;
      if (at - half < end + 6) return null;
      end = at + half;
      return x;
    });
  };

  const drawn = new Set();

  // chart draws a chart into holder and returns {update(columns), remove()}.
  //
  //   title    what it shows, for those who do not see it
  //   x, y     the kinds of the axes, of kindsOfX and kindsOfY
  //   series   [{label, ink, weight, fill, dash, dots}] from bottom to top; ink
  //            is the name of a token, fill the percent of it under the line,
  //            weight the width of that; dots stand without a line
  //   columns  x, then each series; null where there is no value
  //   bands    [{between: [upper, lower], ink, fill}] of numbers of series, from 0
  //   marks    [{label, at, ink}]: lines across, at values of y
  //   stack    bars that stand on each other, in place of lines
  //   step     how far apart x are, for bars to have their whole width
  //   log      a logarithmic y axis
  //   height   in pixels
  //   sync     charts with the same word share their cursor
  const chart = (holder, spec) => {
    const x = kindsOfX[spec.x], y = kindsOfY[spec.y];
    const canvas = el("div", "canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", spec.title);
    const legend = spec.series.map((s) => {
      const swatch = el("i", s.dash ? "swatch dash" : "swatch");
      swatch.style.color = `var(--${s.ink})`;
      return el("li", "", swatch, s.label);
    });
    holder.replaceChildren(el("ul", "legend", ...legend), canvas);

    let shown = spec.columns; // as given: a stack draws sums, and shows values
    const tip = tooltip(x, y, spec, () => shown);
    const width = () => Math.max(canvas.clientWidth, 80);
    const u = new uPlot(options(spec, x, y, tip, width(), () => shown), columns(spec, shown), canvas);
    const resize = new ResizeObserver(() => { if (width() !== u.width) c.fit(width()); });
    resize.observe(canvas);
    const c = {
      fit: (w = width()) => u.setSize({ width: w, height: spec.height || 220 }),
      redraw: () => u.redraw(false),
      update: (next) => { shown = next; u.setData(columns(spec, next)); },
      remove: () => { resize.disconnect(); drawn.delete(c); u.destroy(); },
    };
    drawn.add(c);
    return c;
  };

  // columns are those that are drawn: of a stack, sums from the top down, so
  // that each bar is painted over by those below it.
  const columns = (spec, given) => {
    const xs = spec.x === "percentile" ? given[0].map(nines) : given[0];
    if (!spec.stack) return [xs, ...given.slice(1)];
    const sums = [];
    given.slice(1).forEach((column, i) => sums.unshift(column.map((v, j) => v + (i > 0 ? sums[0][j] : 0))));
    return [xs, ...sums];
  };

  const options = (spec, x, y, tip, width, given) => {
    const font = "12px " + getComputedStyle(document.body).fontFamily;
    const axis = {
      stroke: () => ink("muted"), font, ticks: { show: false }, gap: 8,
      grid: { stroke: () => ink("line"), width: 1 },
    };
    const bars = spec.stack && uPlot.paths.bars({ size: [0.8, 48, 1] });
    const series = spec.series.map((s) => ({
      stroke: () => ink(s.ink), width: spec.stack ? 0 : s.weight || 1.25, dash: s.dash,
      fill: spec.stack || s.fill ? () => ink(s.ink, spec.stack ? 100 : s.fill) : undefined,
      points: spec.stack ? { show: false } : { size: 4, show: s.dots || undefined, fill: () => ink(s.ink) },
      paths: bars || (s.dots ? () => null : undefined),
    }));
    const half = (spec.step || 0) / 2;
    return {
      width, height: spec.height || 220, padding: [8, 22, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: !!x.time, range: (u, min, max) => [min - half, max > min || half ? max + half : min + 1] },
        y: spec.log ? { distr: 3, range: (u, min, max) => [min / 1.3, Math.max(max, ...near(spec, max)) * 1.3] }
          : { range: (u, min, max) => [0, Math.max((max || 1) * 1.08, ...near(spec, max))] },
      },
      axes: [
        { ...axis, grid: { show: false }, ...x.axis, size: 30, values: x.axis.values || ((u, vs) => vs.map((v) => (v == null ? "" : x.show(v)))) },
        { ...axis, ...(spec.log ? { splits: decades, filter: (u, splits) => splits } : {}), size: wide, values: (u, vs) => vs.map((v) => (v == null ? "" : y.show(v))), ...(spec.y === "count" ? { incrs: whole } : {}) },
      ],
      series: [{}, ...(spec.stack ? series.reverse() : series)],
      bands: (spec.bands || []).map((b) => ({ series: b.between.map((i) => i + 1), fill: () => ink(b.ink, b.fill) })),
      cursor: {
        y: false, drag: { x: spec.x !== "percentile", y: false },
        points: spec.stack ? { show: false } : { size: 7, width: 0 },
        sync: spec.sync ? { key: spec.sync } : undefined,
      },
      hooks: { init: [(u) => u.over.append(tip.box)], setCursor: [tip.move], draw: [(u) => { if (spec.stack) few(u, spec, given()); marks(u, spec.marks || []); }] },
    };
  };

  // near are the marks that the axis makes room for; one far above all values
  // would press them to the floor.
  const near = (spec, max) => (spec.marks || []).map((m) => m.at * 1.05).filter((at) => at < max * 2);

  const marks = (u, list) => {
    const { ctx, bbox } = u;
    let above = -Infinity;
    for (const m of list.filter((m) => m.at <= u.scales.y.max && m.at >= u.scales.y.min).sort((a, b) => b.at - a.at)) {
      const y = Math.round(u.valToPos(m.at, "y", true));
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = ink(m.ink);
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.font = u.axes[1].font[0];
      // Labels that would stand on each other stand at both ends.
      ctx.textAlign = y - above < 16 * devicePixelRatio ? "left" : "right";
      const at = [m.label, ctx.textAlign === "right" ? bbox.left + bbox.width : bbox.left + 4, y - 5 * devicePixelRatio];
      ctx.setLineDash([]);
      ctx.lineWidth = 4 * devicePixelRatio;
      ctx.strokeStyle = ink("ground");
      ctx.strokeText(...at);
      ctx.fillText(...at);
      ctx.restore();
      above = y;
    }
  };

  // A logarithmic axis has lines at whole powers of ten, and at 2 and 5 times
  // those where it covers few.
  const decades = (u) => {
    const { min, max } = u.scales.y, lead = max / min < 50 ? [1, 2, 5] : [1];
    const lines = [];
    for (let power = Math.floor(Math.log10(min)); 10 ** power <= max; power++) lines.push(...lead.map((n) => n * 10 ** power));
    return lines.filter((v) => v >= min && v <= max);
  };

  const whole = Array.from({ length: 36 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3));

  // few marks what is too little of a bar to be seen: one failure among a
  // thousand is what a person looks for.
  const few = (u, spec, given) => {
    const { ctx, bbox } = u, least = 3 * devicePixelRatio;
    const step = spec.step || (given[0].length > 1 ? given[0][1] - given[0][0] : 1);
    const size = Math.max(1, Math.min(0.8 * (u.valToPos(step, "x", true) - u.valToPos(0, "x", true)), 48 * devicePixelRatio));
    ctx.save();
    given[0].forEach((x, j) => {
      let sum = 0, floor = bbox.top + bbox.height;
      spec.series.forEach((s, i) => {
        const n = given[i + 1][j];
        sum += n;
        if (n === 0) return;
        const top = Math.min(u.valToPos(sum, "y", true), floor - (i > 0 ? least : 0));
        if (floor - top <= least && i > 0) {
          ctx.fillStyle = ink(s.ink);
          ctx.fillRect(Math.round(u.valToPos(x, "x", true) - size / 2), top, Math.round(size), floor - top);
        }
        floor = top;
      });
    });
    ctx.restore();
  };

  // wide is the room that the labels of the y axis take; mostly the same, so
  // that charts below each other line up.
  const wide = (u, labels) => {
    if (!labels) return 60;
    u.ctx.save();
    u.ctx.font = u.axes[1].font[0];
    const longest = Math.max(...labels.map((l) => u.ctx.measureText(l).width));
    u.ctx.restore();
    return Math.max(60, Math.ceil(longest / devicePixelRatio) + 14);
  };

  // tooltip shows the values under the cursor, the uppermost series first.
  const tooltip = (x, y, spec, given) => {
    const box = el("div", "tip");
    box.setAttribute("aria-hidden", "true");
    box.hidden = true;
    const move = (u) => {
      const i = u.cursor.idx;
      box.hidden = i == null || u.cursor.left < 0;
      if (box.hidden) return;
      const rows = spec.series.map((s, n) => [s, given()[n + 1][i]]).filter(([, v]) => v != null && !(spec.stack && v === 0));
      box.replaceChildren(el("b", "", x.show(u.data[0][i])), ...rows.reverse().map(([s, v]) => {
        const swatch = el("i", "swatch");
        swatch.style.color = `var(--${s.ink})`;
        return el("div", "", swatch, s.label, el("span", "", y.show(v)));
      }));
      const right = u.cursor.left > u.over.clientWidth / 2;
      box.style.left = right ? "" : u.cursor.left + 12 + "px";
      box.style.right = right ? u.over.clientWidth - u.cursor.left + 12 + "px" : "";
    };
    return { box, move };
  };

  const each = (f) => { for (const c of drawn) f(c); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => each((c) => c.redraw()));
  // Paper is light and narrow, whatever the screen is.
  addEventListener("beforeprint", () => {
    document.documentElement.style.colorScheme = "light";
    each((c) => c.fit(640));
  });
  addEventListener("afterprint", () => {
    document.documentElement.style.colorScheme = "";
    each((c) => c.fit());
  });

  return { data, el, ms, seconds, bytes, rate, count, clock, percentile, chart };
})();
