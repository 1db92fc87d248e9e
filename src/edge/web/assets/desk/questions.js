// Questions: pending -> live -> on screen -> answered, or rejected.
import { act, offerUndo } from "./act.js";
import { state, watch } from "./store.js";
import { button, card, el, listOf, text } from "./ui.js";
import { clock, say } from "./words.js";

const MOVES = {
  pending: [["live", "good"], ["rejected", "danger"]],
  live: [["on-screen", "good"], ["answered", ""], ["rejected", "danger"]],
  "on-screen": [["answered", "good"], ["live", ""]],
  answered: [["live", ""]],
};

async function move(question, to) {
  const from = question.state;
  await act({ do: "move-question", question: question.question, state: to });
  offerUndo(`desk.did.q-${to}`, { name: question.name }, () => act({ do: "move-question", question: question.question, state: from }));
}

function make(first) {
  const entry = { item: first, at: "" };
  const time = el("time", { class: "soft" });
  const name = el("b", { class: "name" });
  const badge = el("span", { class: "badge" });
  const votes = el("span", { class: "soft" });
  const words = el("p", { class: "said" });
  const acts = el("div", { class: "acts one" });
  entry.node = el("li", { class: "line", test: "question" }, el("div", { class: "by" }, time, name, badge, votes), words, acts);
  entry.update = (q) => {
    entry.item = q;
    entry.node.dataset.question = q.question;
    entry.node.dataset.state = q.state;
    text(time, clock(q.at_ms));
    text(name, q.name);
    text(words, q.text);
    badge.hidden = !q.origin;
    text(badge, q.origin);
    say(votes, "desk.q.votes", { votes: q.votes, seen: q.seen });
    if (entry.at === q.state) return;
    entry.at = q.state;
    acts.replaceChildren(...(MOVES[q.state] ?? []).map(([to, kind]) => button(`desk.q.to-${to}`, () => move(entry.item, to), { test: `question-${to}`, kind })));
  };
  return entry;
}

function list(key, test, which) {
  const shown = listOf("desk.q.empty", `questions-${test}`);
  const node = card(key, `card-q-${test}`, shown.node);
  const count = el("span", { class: "count" });
  node.querySelector("h2").after(count);
  watch(["staff", "questions", "room"], () => {
    const items = which();
    shown.show(items, (q) => q.question, make, (entry, q) => entry.update(q));
    text(count, items.length ? String(items.length) : "");
  });
  return node;
}

const all = (wanted) => (state.room?.questions ?? []).filter((q) => q.state === wanted);

/// How many wait for a look, for the tab.
export const waiting = () => state.staff.pending.length;

export const questionPanels = () => [
  list("desk.q.pending", "pending", () => state.staff.pending),
  list("desk.q.on-screen", "on-screen", () => all("on-screen")),
  list("desk.q.live", "live", () => all("live")),
  list("desk.q.answered", "answered", () => all("answered")),
];

