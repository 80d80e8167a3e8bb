// What the modules of the inspector share: its data, the server's answers, and
// text made fit to be seen.

export const { el, ms, bytes, count } = page;

// callTime is the length of a call as its payload has it, in seconds.
export const callTime = (s) => (s == null || (s >= 0 && s <= 1e6) ? page.seconds(s) : "?");
export const data = page.data();

// show makes what is invisible, or would reorder what is read, visible in text
// of a stranger. Joiners stay: scripts and emoji need them.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;
export const show = (text) => String(text ?? "").replace(/\r\n/g, "\n")
  .replace(unseen, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");

// text is an element with text of a stranger in it, which does not change the
// direction of what stands beside it.
export const text = (tag, className, value) => {
  const e = el(tag, className, show(value));
  e.dir = "auto";
  return e;
};

// button is one with a click.
export const button = (className, label, click, title) => {
  const b = el("button", className, show(label));
  b.type = "button";
  if (title) b.title = show(title);
  b.addEventListener("click", click);
  return b;
};

const answer = async (response) => {
  const value = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Error(value.error || "the inspector answered " + response.status);
  return value;
};

// get asks the server. The query may hold lists; what is empty is left out.
export const get = async (path, query = {}, signal) => {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const v of [value].flat()) if (v) words.append(name, v);
  }
  return answer(await fetch("/api/" + path + "?" + words, { signal }));
};

// post asks for a change, with the token of this run.
export const post = async (path, body) => answer(await fetch("/api/" + path, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-Julianctl-Token": data.token },
  body: JSON.stringify(body),
}));

let hush;
// say tells the person what came of what they did.
export const say = (message, tone = "") => {
  const box = document.getElementById("toast");
  box.className = "toast shown " + tone;
  box.textContent = show(message);
  clearTimeout(hush);
  hush = setTimeout(() => { box.className = "toast"; }, tone === "bad" ? 8000 : 3500);
};

export const attempt = (f) => async (...args) => {
  try {
    return await f(...args);
  } catch (err) {
    if (err.name !== "AbortError") say(err.message, "bad");
  }
};

export const copy = attempt(async (value, what) => {
  await navigator.clipboard.writeText(value);
  say(what + " copied");
});

// Points in time.

const timeOnly = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dayOnly = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const precise = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });

// clock is a time of the day, with the day unless it is today.
export const clock = (at) => (new Date(at).toDateString() === new Date().toDateString() ? "" : dayOnly.format(at) + " ") + timeOnly.format(at);
export const moment = (at) => precise.format(at);

// toneOf is the colour of a result type.
const tones = {
  "Goal Completed": "good", "Goal Not Completed": "data2", "Opted Out": "bad", "Failed": "bad", "Invalid Phone Number": "bad",
  "Voicemail": "data1", "No Conversation": "data1", "Busy": "data4", "Cancelled": "data4",
  "Scheduled": "unsure", "Rescheduled": "unsure", "Processing Analysis": "unsure", "Calling": "unsure",
};
export const toneOf = (type) => tones[type] || "data4";

export const dot = (type) => {
  const d = el("i", "dot");
  d.style.color = `var(--${toneOf(type)})`;
  return d;
};

// answerOf says what the sender was told, in a word and a colour.
export const answerOf = (row) => {
  if (row.status === 0 && row.took == null) return ["…", "warn", "unanswered"];
  if (row.status === 0) return ["none", "bad", row.fault || "no answer"];
  if (row.verdict === "redelivered") return [String(row.status), "unsure", "redelivered"];
  return [String(row.status), row.status >= 200 && row.status < 300 ? "good" : "bad", row.refusal || row.fault || ""];
};
