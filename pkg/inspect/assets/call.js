// The call as a person reads it: who, what came of it, what was said.

import { el, text, button, callTime, dot } from "./base.js";
import { member, string, plain } from "./json.js";
import { note } from "./tree.js";

const folded = 40; // turns of a talk before the rest is folded

// call shows a payload. goto leads to a pointer of it in the tree.
export const call = (root, findings, goTo) => {
  const of = (...keys) => member(root, ...keys), result = of("callResult");
  const section = (title, ...children) => {
    const inside = children.filter(Boolean);
    return inside.length ? el("section", "", el("h3", "", title), ...inside) : null;
  };
  const parts = [];

  if (findings.length) {
    parts.push(section(findings.length === 1 ? "1 finding" : findings.length + " findings", ...findings.slice(0, 50).map((f) => {
      const e = note(f);
      if (f.pointer) e.prepend(button("pointer", f.pointer, () => goTo(f.pointer), "Show it in the JSON"), " ");
      return e;
    })));
  }
  const summary = string(member(result, "summary"));
  if (summary) parts.push(section("Summary", text("p", "prose", summary)));
  parts.push(section("Outcomes", list(member(result, "outcomes"), (o) => [
    text("b", "", string(member(o, "name"))), text("p", "muted", string(member(o, "reasoning"))),
  ])));
  const action = (o) => [
    text("b", "", string(member(o, "description")) || string(member(o, "actionKey"))),
    el("p", "muted", text("span", "", [string(member(o, "status")), time(string(member(o, "completedAt")), zone)].filter(Boolean).join(", "))),
  ];
  const zone = string(of("timezone"));
  parts.push(section("What the agent did", list(member(result, "agentActions"), action)));
  parts.push(section("What the contact asked for", list(member(result, "humanActions"), action)));
  parts.push(section("Follow-up meeting", facts(member(result, "followUpMeetingDetails"), zone)));
  parts.push(section("Extracted variables", facts(member(result, "extractedVariables"))));
  parts.push(section("Transcript", talk(string(member(result, "transcription")))));
  parts.push(section("The call", el("dl", "facts", ...[
    ["Call id", string(of("callId"))], ["Agent", [string(of("agentName")), string(of("agentId"))].filter(Boolean).join(", ")],
    ["Number", [string(of("phoneNumber")), string(of("phoneNumberExt"))].filter(Boolean).join(" ext. ")],
    ["From", string(of("fromPhoneNumber"))], ["Direction", string(of("direction"))],
    ["Length", of("duration")?.kind === "number" ? callTime(+of("duration").text) : ""],
    ["Scheduled", time(string(of("scheduledAt")), zone)], ["Rescheduled", time(string(of("rescheduledAt")), zone)],
    ["Sequence", [string(of("sequence", "lifecycleStatus")), string(of("sequence", "sequenceId"))].filter(Boolean).join(", ")],
    ["Link", string(of("callUrl"))],
  ].filter(([, v]) => v).flatMap(([name, v]) => [el("dt", "", name), text("dd", "", v)]))));
  parts.push(section("Input variables", facts(of("customInputVariables"))));
  return el("div", "call", ...parts);
};

// headline is who was called and what came of it.
export const headline = (row) => [
  text("h2", "", row.name || row.call || row.method + " request"),
  el("p", "under", dot(row.type), text("b", "", row.type || "no result"),
    row.seconds == null ? null : el("span", "muted", " · " + callTime(row.seconds)), row.phone ? text("span", "muted", " · " + row.phone) : null),
];

// time is a point in time, in the zone of the call.
const time = (iso, zone) => {
  const at = new Date(iso);
  if (!iso || isNaN(at)) return iso;
  const style = { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...style, timeZone: zone || "UTC" }).format(at) + " " + (zone || "UTC");
  } catch {
    return iso; // a zone that nobody knows
  }
};

const list = (node, show) => {
  if (node?.kind !== "array" || !node.children.length) return null;
  return el("ul", "acts", ...node.children.slice(0, 100).map(([, item]) => el("li", "", ...show(item))));
};

const facts = (node, zone) => {
  if (node?.kind !== "object" || !node.children.length) return null;
  return el("dl", "facts", ...node.children.slice(0, 200).flatMap(([key, value]) => {
    const shown = zone !== undefined && value.kind === "string" ? time(value.value, zone) : plain(value);
    return [text("dt", "", key), text("dd", shown ? "" : "muted", shown || "empty")];
  }));
};

// turns cuts a transcript into what one speaker said in one go. The provider
// documents no form; the sample has "User: …", one turn a line.
export const turns = (transcript) => {
  const all = [];
  for (const line of transcript.split(/\r?\n/).map((l) => l.trim()).filter(Boolean)) {
    const colon = line.indexOf(":"), speaker = colon > 0 ? line.slice(0, colon) : "";
    if (/^(?!\p{Ll})\p{L}[^.,;!?"/]{0,39}$/u.test(speaker) && speaker.split(/\s+/).length <= 3) all.push([speaker, line.slice(colon + 1).trim()]);
    else if (all.length) all.at(-1)[1] += " " + line;
    else all.push(["", line]);
  }
  return all;
};

const talk = (transcript) => {
  const all = turns(transcript), sides = new Map();
  if (!all.length) return null;
  for (const [who] of all) if (!sides.has(who)) sides.set(who, sides.size % 2);
  const box = el("div", "talk");
  const say = (from, to) => {
    for (const [who, words] of all.slice(from, to)) {
      const turn = el("div", "turn side" + sides.get(who));
      if (who) turn.append(text("small", "", who));
      turn.append(text("p", "", words));
      box.append(turn);
    }
    if (to < all.length) {
      const more = button("quiet", all.length - to + " more turns", () => { more.remove(); say(to, all.length); });
      box.append(more);
    }
  };
  say(0, folded);
  return box;
};
