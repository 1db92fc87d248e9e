// Small parts of which the desk is made. Text goes in as text only; nothing that somebody typed becomes markup.
import { say, t } from "./words.js";

/// An element. `props`: `class`, `test` (data-test), `t` (text by key), `label` (aria-label by key), `hint` (title by key),
/// `on: {event: f}`, `data: {}`; else a property of the element if it has one, or an attribute.
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "test") node.dataset.test = value;
    else if (name === "t") say(node, value);
    else if (name === "label") say(node, value, undefined, "aria-label");
    else if (name === "hint") say(node, value, undefined, "title");
    else if (name === "place") say(node, value, undefined, "placeholder");
    else if (name === "on") for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name in node && name !== "list" && name !== "form") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/// Sets text only where it differs: a screen reader is not told the same again.
export function text(node, value) {
  const wanted = value ?? "";
  if (node.textContent !== wanted) node.textContent = wanted;
}

let number = 0;
export const newId = (what) => `${what}-${(number += 1)}`;

/// A button that cannot be pressed twice while its work goes on; what goes wrong is said in `toast`.
export function button(key, work, { test, kind = "", label, data } = {}) {
  const node = el("button", { type: "button", class: kind, test, t: key, label, data });
  node.addEventListener("click", () => busy(node, work));
  return node;
}

/// Runs `work` with `node` out of reach meanwhile.
export async function busy(node, work) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (e) {
    complain(e);
  } finally {
    node.removeAttribute("aria-busy");
  }
}

/// A field with its label. `make`: the input.
export function field(key, input, hintKey) {
  input.id ||= newId("field");
  const label = el("label", { t: key, htmlFor: input.id });
  const parts = [label, input];
  if (hintKey) {
    const hint = el("small", { t: hintKey, id: newId("hint") });
    input.setAttribute("aria-describedby", hint.id);
    parts.push(hint);
  }
  return el("div", { class: "field" }, parts);
}

/// A checkbox with its label beside it.
export function check(key, test, props = {}) {
  const input = el("input", { type: "checkbox", test, ...props });
  const label = el("label", { class: "check" }, input, el("span", { t: key }));
  return { node: label, input };
}

/// A switch that shows what is so, and asks for what is wanted: it moves only when the box says so.
export function toggle(key, test, want) {
  const node = el("button", { type: "button", class: "switch", test, role: "switch" }, el("span", { class: "knob" }), el("span", { t: key }));
  node.setAttribute("aria-checked", "false");
  node.addEventListener("click", () => busy(node, () => want(node.getAttribute("aria-checked") !== "true")));
  return { node, set: (on) => node.setAttribute("aria-checked", String(Boolean(on))) };
}

/// A form: `work` gets it when it is sent. Its fields keep what was typed unless `work` succeeds and asks for `reset`.
export function form(parts, sendKey, test, work, { reset = true, kind = "main" } = {}) {
  const said = el("p", { class: "wrong", role: "alert", test: `${test}-error` });
  const send = el("button", { type: "submit", class: kind, test: `${test}-send`, t: sendKey });
  const node = el("form", { test, noValidate: false }, parts, said, el("div", { class: "row" }, send));
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    text(said, "");
    busy(send, async () => {
      try {
        await work(node);
        if (reset) node.reset();
      } catch (e) {
        if (!e?.message) throw e;
        text(said, sentence(e));
      }
    });
  });
  return node;
}

/// A card of the desk.
export function card(key, test, ...children) {
  const title = el("h2", { t: key, id: newId("title") });
  const node = el("section", { class: "card", test }, el("div", { class: "head" }, title), children);
  node.setAttribute("aria-labelledby", title.id);
  return node;
}

/// Keeps the children of `node` in step with `items` and leaves those alone that stay: focus and typing are not lost.
export function keep(node, items, key, make, update) {
  const known = node.kept ?? new Map();
  const next = new Map();
  // Those that go make room first, so that those that stay are not moved.
  const wanted = new Set(items.map(key));
  for (const [id, entry] of known) if (!wanted.has(id)) entry.node.remove();
  let place = node.firstElementChild;
  for (const item of items) {
    const id = key(item);
    let entry = known.get(id);
    if (!entry) {
      entry = make(item);
      if (entry instanceof Node) entry = { node: entry };
    }
    next.set(id, entry);
    update?.(entry, item);
    if (entry.node === place) place = place.nextElementSibling;
    else node.insertBefore(entry.node, place);
  }
  node.kept = next;
}

/// A list that says so when it is empty.
export function listOf(emptyKey, test) {
  const list = el("ul", { class: "list", test });
  const empty = el("p", { class: "empty", t: emptyKey });
  return {
    node: el("div", {}, list, empty),
    list,
    show(items, key, make, update) {
      empty.hidden = items.length > 0;
      keep(list, items, key, make, update);
    },
  };
}

/// The sentence of a failure: the box's own, with a word in the reader's language before it where that is not English.
export function sentence(e) {
  const own = e?.message || t("desk.err.unknown");
  const wait = e?.retryMs > 0 ? ` ${t("desk.err.again", { s: Math.ceil(e.retryMs / 1000) })}` : "";
  if (Object.hasOwn(OURS, e?.code ?? "")) return t(OURS[e.code]);
  const key = `desk.code.${e?.code}`;
  const word = t(key);
  return (word === key ? own : word + own) + wait;
}

/// Failures of which the box knows nothing.
const OURS = { offline: "desk.err.away", away: "desk.err.away", unsure: "desk.err.unsure" };

const toasts = el("div", { class: "toasts", test: "toasts" });
toasts.setAttribute("aria-live", "polite");
const alerts = el("div", { class: "toasts", test: "alerts" });
alerts.setAttribute("role", "alert");
export const toastPlaces = () => [toasts, alerts];

function toast(place, words, kind, ms) {
  const close = el("button", { type: "button", class: "x", label: "desk.close" }, "×");
  const node = el("div", { class: `toast ${kind}` }, el("span", {}, words), close);
  const end = () => node.remove();
  close.addEventListener("click", end);
  place.append(node);
  while (place.children.length > 4) place.firstElementChild.remove();
  setTimeout(end, ms);
}

/// Says that something is done.
export const tell = (words) => toast(toasts, words, "ok", 4000);
/// Says why something is not done.
export function complain(e) {
  console.warn(e);
  toast(alerts, sentence(e), "problem", 9000);
}

/// Asks before something that cannot be taken back. Resolves to true if it is wanted.
export function confirm(key, values, yesKey, { kind = "danger" } = {}) {
  return new Promise((done) => {
    const yes = el("button", { type: "button", class: kind, test: "confirm-yes", t: yesKey });
    const no = el("button", { type: "button", test: "confirm-no", t: "desk.cancel" });
    const words = el("p", { id: newId("ask") }, t(key, values));
    const node = el("dialog", { test: "confirm" }, words, el("div", { class: "row end" }, no, yes));
    node.setAttribute("aria-labelledby", words.id);
    const end = (answer) => {
      node.close();
      node.remove();
      done(answer);
    };
    yes.addEventListener("click", () => end(true));
    no.addEventListener("click", () => end(false));
    node.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(false);
    });
    document.body.append(node);
    node.showModal();
    no.focus();
  });
}
