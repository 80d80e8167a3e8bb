// A payload as a tree that opens and closes, with findings at their place and
// paths to copy.

import { el, text, show, button, copy } from "./base.js";
import { find, path, source } from "./json.js";

const long = 280;  // characters of a string before the rest is folded
const many = 100;  // members of a list before the rest is folded

// tree shows a node. findings are those of the payload.
export const tree = (root, findings) => {
  // What is missing is said where it would be.
  const at = Map.groupBy(findings, (f) => {
    let p = f.pointer || "";
    while (p && !find(root, p)) p = p.slice(0, p.lastIndexOf("/"));
    return p;
  });
  const inside = (pointer) => findings.some((f) => f.pointer?.startsWith(pointer + "/"));

  const leaf = (node) => {
    const whole = node.kind === "string" ? show(JSON.stringify(node.value).replace(/\\n/g, "\n")) : node.text;
    const e = text("span", "value " + node.kind, whole.length > long ? whole.slice(0, long) + "…" : whole);
    if (whole.length <= long) return [e];
    const more = button("quiet", "all " + whole.length.toLocaleString("en") + " characters", () => { e.textContent = whole; more.remove(); });
    return [e, " ", more];
  };

  const line = (key, node) => {
    const parts = [];
    if (key !== null) parts.push(text("span", typeof key === "number" ? "key index" : "key", typeof key === "number" ? key : JSON.stringify(key)));
    if (node.children) {
      const n = node.children.length, what = node.kind === "object" ? ["{", "}"] : ["[", "]"];
      parts.push(el("span", "muted", n ? what[0] + " " + n + " " + what[1] : what.join("")));
    } else parts.push(...leaf(node));
    if (key !== null) {
      const dotted = path(node.pointer);
      const tool = button("quiet tool", "path", (e) => { e.preventDefault(); copy(dotted, dotted); }, "Copy the path " + dotted);
      tool.setAttribute("aria-label", "Copy the path " + show(dotted));
      parts.push(tool);
    }
    return parts;
  };

  const notes = (node) => (at.get(node.pointer) || []).map((f) => {
    const e = note(f);
    if (f.pointer !== node.pointer && f.pointer) e.prepend(text("code", "", f.pointer), " ");
    return e;
  });

  const branch = (key, node, open) => {
    const item = el("li");
    item.dataset.pointer = node.pointer;
    const bad = at.get(node.pointer);
    if (bad) item.className = bad.some((f) => f.severity === "error") ? "has bad-note" : "has warn-note";
    if (!node.children?.length) {
      item.append(el("div", "leaf", ...line(key, node)), ...notes(node));
      return item;
    }
    const box = el("details", "", el("summary", "", ...line(key, node)), ...notes(node));
    const fill = (from) => {
      const list = box.querySelector(":scope > ul") || box.appendChild(el("ul"));
      for (const [k, child] of node.children.slice(from, from + many)) list.append(branch(k, child, open - 1));
      const left = node.children.length - from - many;
      if (left > 0) {
        const more = el("li", "", button("quiet", Math.min(left, many) + " more of " + left, () => { more.remove(); fill(from + many); }));
        list.append(more);
      }
    };
    box.addEventListener("toggle", () => { if (box.open && !box.querySelector(":scope > ul")) fill(0); });
    if (open > 0 || inside(node.pointer)) { fill(0); box.open = true; }
    item.append(box);
    return item;
  };

  const list = el("ul", "tree", branch(null, root, 3));
  const bar = el("div", "tools", button("quiet", "Copy JSON", () => copy(source(root), "JSON")));
  return el("div", "", bar, list);
};

// note is one finding, for a person.
export const note = (f) => {
  const e = el("div", "note " + (f.severity === "error" ? "bad" : "warn"), el("span", "badge", show(f.rule)), " ", text("span", "", f.message));
  if (f.hint) e.append(" ", text("span", "muted", f.hint));
  return e;
};

// reveal opens the tree where a pointer leads, as far as it does, and goes there.
export const reveal = (root, pointer) => {
  for (let p = pointer; ; p = p.slice(0, p.lastIndexOf("/"))) {
    const found = [...root.querySelectorAll("[data-pointer]")].find((e) => e.dataset.pointer === p);
    if (found) {
      for (let e = found.closest("details"); e; e = e.parentElement.closest("details")) e.open = true;
      found.scrollIntoView({ block: "center" });
      found.classList.add("found");
      setTimeout(() => found.classList.remove("found"), 2000);
      return;
    }
    if (!p) return;
  }
};
