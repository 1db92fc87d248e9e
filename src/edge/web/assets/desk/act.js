// Acts of the staff: over the socket, or by a request while the socket is away. Each that can be taken back shows the undo bar.
import { failureOf, post } from "./api.js";
import { state } from "./store.js";
import { busy, el, text } from "./ui.js";
import { t } from "./words.js";

let socket = null;
const UNDO_MS = 10_000;

/// The socket by which acts go.
export function actThrough(one) {
  socket = one;
}

/// Does it; resolves to what came of it.
export async function act(wish) {
  if (socket && state.connected) {
    try {
      const answer = await socket.act(wish);
      return answer?.result ?? answer ?? {};
    } catch (e) {
      throw failureOf(e?.error ?? e);
    }
  }
  const answer = await post("/api/act", wish);
  return answer?.result ?? answer ?? {};
}

const words = el("span", { class: "grow" });
const back = el("button", { type: "button", test: "undo", t: "desk.undo" });
const left = el("span", { class: "left", ariaHidden: "true" });
const bar = el("div", { class: "undo", test: "undo-bar", hidden: true }, words, left, back);
bar.setAttribute("role", "status");
let take = null;
let until = 0;

back.addEventListener("click", () => busy(back, async () => {
  const work = take;
  hide();
  await work?.();
}));
setInterval(() => {
  if (bar.hidden) return;
  if (Date.now() >= until) hide();
  else text(left, String(Math.ceil((until - Date.now()) / 1000)));
}, 250);

function hide() {
  // The button must not take the focus with it.
  if (bar.contains(document.activeElement)) document.querySelector("main")?.focus();
  bar.hidden = true;
  take = null;
}

export const undoBar = () => bar;

/// Shows the bar; `work` takes back what was done.
export function offerUndo(key, values, work) {
  text(words, t(key, values));
  take = work;
  until = Date.now() + UNDO_MS;
  bar.hidden = false;
}

/// An act of moderation: done, then offered to be taken back.
export async function moderate(wish, key, values) {
  const done = await act(wish);
  if (done.id && !done.again) offerUndo(key, values, () => act({ do: "undo", act: done.id }));
  return done;
}
