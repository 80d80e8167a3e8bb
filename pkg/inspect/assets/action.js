// What a person does with a delivery. Each asks before it does what cannot be
// taken back.

import { data, el, text, show, post, button, say, attempt, ms } from "./base.js";

// ask opens a dialog; it goes when it is closed.
const ask = (title, ...children) => {
  const heading = el("h2", "", title);
  heading.id = "ask";
  const dialog = el("dialog", "", heading, ...children);
  dialog.setAttribute("aria-labelledby", "ask");
  const before = document.activeElement;
  dialog.addEventListener("close", () => { dialog.remove(); (before?.isConnected ? before : document.querySelector(".actions .main"))?.focus(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
};

const field = (label, input, note) => el("label", "field", el("span", "", label), input, note ? el("small", "muted", note) : null);

let lastTo = ""; // where a person sent to before

// send delivers d again, as often as a person says. Sent shows d anew.
export const send = (d, sent) => {
  const to = el("select", "", ...data.targets.map((t) => new Option(t, t)), new Option("another address on this machine", ""));
  const url = el("input");
  url.type = "url";
  url.placeholder = "http://127.0.0.1:8080/webhook";
  url.value = lastTo;
  const copies = el("input");
  copies.type = "number";
  Object.assign(copies, { min: 1, max: 50, value: 1, required: true });
  const together = el("input");
  together.type = "checkbox";
  // The bytes are as typed, in UTF-8; those of the log stay as they are.
  const edited = el("textarea", "edited");
  Object.assign(edited, { spellcheck: false, wrap: "off" });
  edited.setAttribute("aria-label", "Body");
  const edit = button("quiet", "Edit the body…", () => {
    edited.value = d.payload;
    edited.defaultValue = edited.value;
    edit.replaceWith(edited);
    edited.focus();
    edited.setSelectionRange(0, 0);
  });
  const results = el("ol", "answers");
  results.setAttribute("aria-live", "polite");
  const go = el("button", "main", "Send");
  const urlField = field("Address", url, "Other machines want a named endpoint in the configuration.");
  const byURL = () => { urlField.hidden = to.value !== ""; url.required = to.value === ""; };
  to.addEventListener("change", byURL);
  byURL();
  const form = el("form", "", field("To", to), urlField, field("Copies", copies), el("label", "check", together, "all at one instant"),
    edit, results, el("div", "ends", button("quiet", "Close", () => dialog.close()), go));
  let sending = false;
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (sending) return;
    sending = true; // a disabled button would lose the focus
    results.replaceChildren(el("li", "muted", "sending…"));
    lastTo = url.value;
    try {
      const ask = { id: d.id, to: to.value || url.value, copies: +copies.value, together: together.checked };
      if (edited.isConnected && edited.value !== edited.defaultValue) ask.body = edited.value;
      const { answers } = await post("send", ask);
      await sent();
      results.replaceChildren(...answers.map((a) => el("li", "",
        el("span", "badge " + (a.status >= 200 && a.status < 300 ? "good" : "bad"), a.status || "none"), el("span", "muted", ms(a.took)),
        text("code", "", a.error || a.body || ""))));
    } catch (err) {
      results.replaceChildren(text("li", "bad", err.message));
    }
    sending = false;
  });
  const dialog = ask("Send #" + d.id + " again", el("p", "muted", "The exact bytes, or what you make of them; the header but for secrets."), form);
};

// fixture writes d without personal data.
export const fixture = attempt(async (d) => {
  const { path } = await post("fixture", { id: d.id });
  say("written to " + path + " with pseudonyms: read it before you share it");
});

// remove deletes d once a person has agreed.
export const remove = (d, done) => {
  const go = button("danger", "Delete", attempt(async () => {
    await post("delete", { ids: [d.id] });
    dialog.close();
    done();
    say("#" + d.id + " deleted");
  }));
  const dialog = ask("Delete #" + d.id + "?", el("p", "", show(d.name || d.call || "This delivery") + " goes from the log, and its bytes are overwritten. There is no way back."),
    el("div", "ends", button("quiet", "Keep it", () => dialog.close()), go));
};
