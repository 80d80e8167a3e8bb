// JSON as it was written: numbers keep their digits, keys their order and their
// copies, and each value knows its place in the text and in the document.

export class NotJSON extends Error {}

const deepest = 500;
const token = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;
const escape = (key) => String(key).replace(/~/g, "~0").replace(/\//g, "~1");

// parse returns the value that text holds, as a node:
//
//   kind      object, array, string, number, true, false or null
//   pointer   RFC 6901
//   text      as it was written, of what is no object or array
//   value     of a string
//   children  [key, node] of an object or array
//
// It throws NotJSON.
export const parse = (text) => {
  token.lastIndex = 0;
  const next = () => {
    const at = token.lastIndex, m = token.exec(text);
    if (!m) throw new NotJSON("not JSON from character " + (at + 1) + " on");
    return m;
  };
  const value = (m, pointer, depth) => {
    if (depth > deepest) throw new NotJSON("nested too deep to be shown as a tree");
    if (m[2]) return { kind: "string", pointer, text: m[2], value: JSON.parse(m[2]) };
    if (m[3]) return { kind: /[-\d]/.test(m[3][0]) ? "number" : m[3], pointer, text: m[3] };
    if (m[1] !== "{" && m[1] !== "[") throw new NotJSON("not JSON: " + m[1] + " is out of place");
    const object = m[1] === "{", end = object ? "}" : "]", children = [];
    let t = next();
    while (t[1] !== end) {
      let key = children.length;
      if (object) {
        if (!t[2]) throw new NotJSON("not JSON: a key is missing");
        key = JSON.parse(t[2]);
        if (next()[1] !== ":") throw new NotJSON("not JSON: a colon is missing");
        t = next();
      }
      children.push([key, value(t, pointer + "/" + escape(key), depth + 1)]);
      t = next();
      if (t[1] === ",") {
        t = next();
        if (t[1] === end) throw new NotJSON("not JSON: a comma too many");
      } else if (t[1] !== end) throw new NotJSON("not JSON: a comma is missing");
    }
    return { kind: object ? "object" : "array", pointer, children };
  };
  const root = value(next(), "", 0);
  if (text.slice(token.lastIndex).trim()) throw new NotJSON("not JSON: more follows the value");
  return root;
};

// find is the node at a pointer; undefined without one.
export const find = (node, pointer) => {
  while (node && node.pointer !== pointer) {
    node = node.children?.findLast(([, child]) => pointer === child.pointer || pointer.startsWith(child.pointer + "/"))?.[1];
  }
  return node;
};

// member is the value of a key, the last one of several; undefined without one.
export const member = (node, ...keys) => keys.reduce((n, key) => n?.kind === "object" ? n.children.findLast(([k]) => k === key)?.[1] : undefined, node);
// string is the text of a string; "" of anything else.
export const string = (node) => (node?.kind === "string" ? node.value : "");
// plain is a scalar as a person writes it.
export const plain = (node) => (node == null ? "" : node.kind === "string" ? node.value : node.text ?? source(node));

// source is a node as compact JSON.
export const source = (node) => {
  if (node.text !== undefined) return node.text;
  const parts = node.children.map(([key, child]) => (node.kind === "object" ? JSON.stringify(key) + ":" : "") + source(child));
  return node.kind === "object" ? "{" + parts.join(",") + "}" : "[" + parts.join(",") + "]";
};

// path is a pointer as --filter and --set of the command line write it.
export const path = (pointer) => pointer.split("/").slice(1)
  .map((t) => t.replace(/~1/g, "/").replace(/~0/g, "~").replace(/[.*?|#@!{}[\]()<>=%\\]/g, "\\$&")).join(".");
