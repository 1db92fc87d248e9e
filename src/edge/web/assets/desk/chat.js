// The moderation desk: what waits, the chat with an act per line, people, slow mode, words, the log of acts.
import { act, moderate } from "./act.js";
import { del } from "./api.js";
import { changed, isOwner, personOf, state, watch } from "./store.js";
import { button, card, complain, confirm, el, form, listOf, newId, text, tell, toggle } from "./ui.js";
import { clock, lang, say, span, t } from "./words.js";

/// More are found by name.
const MOST_PEOPLE = 40;
const TIMES = [[60, "1m"], [600, "10m"], [3600, "1h"]];

/// Acts on a viewer, as they stand beside a line and in the list of people.
function personActs(prefix, whom) {
  const timeOuts = TIMES.map(([seconds, word]) => button(`desk.time.${word}`, () => moderate(
    { do: "time-out", viewer: whom().viewer, seconds }, "desk.did.time-out", { name: whom().name, time: t(`desk.time.${word}`) },
  ), { test: `${prefix}-timeout-${word}` }));
  const free = button("desk.unmute", () => moderate({ do: "time-out", viewer: whom().viewer, seconds: 0 }, "desk.did.unmute", { name: whom().name }), { test: `${prefix}-unmute` });
  const ban = button("desk.ban", () => moderate({ do: "ban", viewer: whom().viewer, on: true }, "desk.did.ban", { name: whom().name }), { test: `${prefix}-ban`, kind: "danger" });
  const unban = button("desk.unban", () => moderate({ do: "ban", viewer: whom().viewer, on: false }, "desk.did.unban", { name: whom().name }), { test: `${prefix}-unban` });
  const group = el("div", { class: "acts" }, el("span", { class: "soft", t: "desk.timeout" }), timeOuts, free, ban, unban);
  return {
    node: group,
    set(person) {
      const muted = (person?.muted_until_ms ?? 0) > Date.now();
      free.hidden = !muted;
      ban.hidden = Boolean(person?.banned);
      unban.hidden = !person?.banned;
    },
  };
}

function makeLine(kind) {
  return (first) => {
    const entry = { item: first };
    const time = el("time", { class: "soft" });
    const name = el("b", { class: "name" });
    const badge = el("span", { class: "badge", hidden: true });
    const mark = el("span", { class: "badge warn", hidden: true });
    const words = el("p", { class: "said" });
    const approve = button("desk.approve", () => moderate({ do: "approve", line: entry.item.line }, "desk.did.approve", { name: entry.item.name }), { test: `${kind}-approve`, kind: "good" });
    const hide = button("desk.hide", () => moderate({ do: "hide", line: entry.item.line }, "desk.did.hide", { name: entry.item.name }), { test: `${kind}-hide`, kind: "warn" });
    // Made when it is opened: most lines never need it.
    let who = null;
    const place = el("div", { id: newId("acts"), hidden: true });
    const more = el("button", { type: "button", class: "plain", test: `${kind}-more`, label: "desk.more-acts" }, "⋯");
    more.setAttribute("aria-controls", place.id);
    more.setAttribute("aria-expanded", "false");
    more.addEventListener("click", () => {
      if (!who) {
        who = personActs(kind, () => entry.item);
        place.append(who.node);
        who.set(personOf(entry.item.viewer));
      }
      place.hidden = !place.hidden;
      more.setAttribute("aria-expanded", String(!place.hidden));
    });
    entry.node = el("li", { class: "line", test: `${kind}-line` },
      el("div", { class: "by" }, time, name, badge, mark), words, el("div", { class: "acts one" }, approve, hide, more), place);
    entry.update = (line) => {
      const person = personOf(line.viewer);
      const muted = (person?.muted_until_ms ?? 0) > Date.now();
      const stamp = `${line.state}/${muted}/${person?.banned}/${lang()}`;
      if (entry.stamp === stamp && entry.item === line) return;
      entry.stamp = stamp;
      entry.item = line;
      entry.node.dataset.line = line.line;
      entry.node.dataset.state = line.state;
      text(time, clock(line.at_ms));
      text(name, line.name);
      text(words, line.text);
      badge.hidden = !(line.origin || line.role !== "viewer");
      if (line.origin) text(badge, line.origin);
      else say(badge, `desk.role.${line.role}`);
      mark.hidden = !(line.state === "hidden" || person?.banned || muted);
      if (!mark.hidden) say(mark, line.state === "hidden" ? "desk.is-hidden" : person?.banned ? "desk.is-banned" : "desk.is-muted");
      approve.hidden = line.state === "shown";
      hide.hidden = line.state === "hidden";
      more.hidden = !line.viewer || line.role !== "viewer";
      if (more.hidden) place.hidden = true;
      who?.set(person);
    };
    return entry;
  };
}

const makeHeld = makeLine("held");
const makeChat = makeLine("chat");
const update = (entry, item) => entry.update(item);

function holdQueue() {
  const list = listOf("desk.queue.empty", "hold-queue");
  const node = card("desk.queue", "card-queue", list.node);
  const count = el("span", { class: "count", test: "hold-count" });
  node.querySelector("h2").after(count);
  watch(["staff"], () => {
    const { held } = state.staff;
    list.show(held, (l) => l.line, makeHeld, update);
    text(count, held.length ? String(held.length) : "");
  });
  return node;
}

function chat() {
  const list = listOf("desk.chat.empty", "chat");
  list.list.classList.add("scroll");
  list.list.tabIndex = 0;
  const node = card("desk.chat", "card-chat", list.node);
  const down = button("desk.chat.newest", () => end(), { test: "chat-newest", kind: "float" });
  down.hidden = true;
  node.append(down);
  let follows = true;
  // While somebody is about to tap, lines do not move away under the finger.
  let still = 0;
  for (const event of ["pointermove", "pointerdown", "focusin"]) {
    list.list.addEventListener(event, () => {
      still = Date.now() + 2500;
    }, { passive: true });
  }
  const end = () => {
    down.hidden = true;
    follows = true;
    list.list.scrollTop = list.list.scrollHeight;
  };
  list.list.addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = list.list;
    follows = scrollHeight - scrollTop - clientHeight < 60;
    if (follows) down.hidden = true;
  });
  let newest = 0;
  watch(["lines", "staff"], () => {
    list.show(state.lines.filter((l) => l.state !== "held"), (l) => l.line, makeChat, update);
    const last = state.lines.at(-1)?.line ?? 0;
    if (follows && Date.now() >= still) end();
    else if (last > newest) down.hidden = false;
    newest = last;
  });
  node.append(form([el("div", { class: "field" }, sayField())], "desk.say.send", "say", async (f) => {
    const { said } = f.elements;
    await act({ do: "say", text: said.value, nonce: crypto.randomUUID?.() ?? String(Math.random()).slice(2) });
  }));
  return node;
}

function sayField() {
  return el("input", { name: "said", maxLength: 500, required: true, autocomplete: "off", test: "say-text", label: "desk.say", place: "desk.say" });
}

function people() {
  const find = el("input", { type: "search", test: "people-find", label: "desk.people.find", place: "desk.people.find" });
  const list = listOf("desk.people.empty", "people");
  list.list.classList.add("scroll", "short");
  const rest = el("p", { class: "soft", test: "people-rest", hidden: true });
  const node = card("desk.people", "card-people", find, list.node, rest);
  const make = (first) => {
    const entry = { item: first };
    const name = el("b", { class: "name" });
    const mark = el("span", { class: "badge" });
    const state_ = el("span", { class: "soft" });
    const who = personActs("person", () => entry.item);
    entry.node = el("li", { class: "line", test: "person" }, el("div", { class: "by" }, name, mark, state_), who.node, isOwner() && dataOf(() => entry.item));
    entry.update = (p) => {
      const muted = p.muted_until_ms - Date.now();
      const stamp = `${p.name}/${p.role}/${muted > 0 ? Math.floor(muted / 1000) : 0}/${p.banned}/${p.here}/${lang()}`;
      entry.item = p;
      if (entry.stamp === stamp) return;
      entry.stamp = stamp;
      entry.node.dataset.viewer = p.viewer;
      text(name, p.name);
      mark.hidden = p.role === "viewer";
      if (p.role !== "viewer") say(mark, `desk.role.${p.role}`);
      if (p.banned) say(state_, "desk.is-banned");
      else if (muted > 0) say(state_, "desk.muted-for", { time: span(muted / 1000) });
      else say(state_, p.here ? "desk.is-here" : "desk.is-away");
      who.set(p);
      // The staff are not moderated from here: an owner takes their account away.
      who.node.hidden = p.role !== "viewer";
    };
    return entry;
  };
  const show = () => {
    const wanted = find.value.trim().toLowerCase();
    const found = state.staff.people.filter((p) => p.name.toLowerCase().includes(wanted));
    list.show(found.slice(0, MOST_PEOPLE), (p) => p.viewer, make, update);
    rest.hidden = found.length <= MOST_PEOPLE;
    if (!rest.hidden) say(rest, "desk.people.rest", { n: found.length - MOST_PEOPLE });
  };
  find.addEventListener("input", show);
  watch(["staff"], show);
  setInterval(() => changed("staff"), 5000);
  return node;
}

/// What is kept of one viewer: given out, or erased for good.
function dataOf(whom) {
  const out = el("a", { t: "desk.data.export", test: "person-export", download: "" });
  const gone = button("desk.data.erase", async () => {
    const { viewer, name } = whom();
    if (!await confirm("desk.data.ask", { name }, "desk.data.erase")) return;
    await del(`/api/viewers/${encodeURIComponent(viewer)}`);
    tell(t("desk.data.erased"));
  }, { test: "person-erase", kind: "danger small-button" });
  const node = el("details", {}, el("summary", { t: "desk.data", test: "person-data" }), el("div", { class: "acts" }, out, gone));
  node.addEventListener("toggle", () => {
    out.href = `/api/export/${encodeURIComponent(whom().viewer)}`;
  });
  return node;
}

function rules() {
  const danmaku = toggle("desk.danmaku", "danmaku", (on) => moderate({ do: "danmaku", on }, on ? "desk.did.danmaku-on" : "desk.did.danmaku-off"));
  const slow = el("select", { test: "slow", id: newId("slow") });
  const label = el("label", { t: "desk.slow", htmlFor: slow.id });
  const fill = (now) => {
    const values = [...new Set([0, 3, 5, 10, 30, 60, 300, now])].sort((a, b) => a - b);
    if (values.join() !== [...slow.options].map((o) => o.value).join()) {
      slow.replaceChildren(...values.map((v) => say(el("option", { value: String(v) }), v === 0 ? "desk.slow.off" : "desk.slow.s", { s: v })));
    }
    if (document.activeElement !== slow) slow.value = String(now);
  };
  slow.addEventListener("change", async () => {
    const seconds = Number(slow.value);
    try {
      await moderate({ do: "slow", seconds }, "desk.did.slow", { s: seconds });
    } finally {
      slow.blur();
      changed("room");
    }
  });
  watch(["room"], () => {
    danmaku.set(state.room?.danmaku);
    fill(state.room?.slow_s ?? 0);
  });
  return card("desk.rules", "card-rules", danmaku.node, el("div", { class: "field" }, label, slow), words());
}

/// The word list: what is typed stays until it is sent, also when somebody else changes the list meanwhile.
function words() {
  const area = el("textarea", { name: "words", rows: 5, test: "words", label: "desk.words", spellcheck: false });
  const note = el("small", { t: "desk.words.hint" });
  const foreign = el("small", { class: "wrong", t: "desk.words.foreign", hidden: true });
  let base = "";
  const node = form([el("div", { class: "field" }, area, note, foreign)], "desk.save", "words-form", async () => {
    const list = area.value.split(/[\n,，]/u).map((w) => w.trim()).filter(Boolean);
    await moderate({ do: "words", words: [...new Set(list)] }, "desk.did.words", { n: list.length });
    base = area.value;
    foreign.hidden = true;
  }, { reset: false });
  watch(["staff"], () => {
    const now = state.staff.words.join("\n");
    if (now === base) return;
    if (area.value === base || area.value.trim() === now) {
      area.value = now;
      foreign.hidden = true;
    } else foreign.hidden = false;
    base = now;
  });
  const sum = el("summary", { t: "desk.words", test: "words-open" });
  return el("details", {}, sum, node);
}

const ABOUT = {
  "time-out": (a) => (a.until_ms === 0 ? "desk.log.unmute" : "desk.log.time-out"),
  ban: (a) => (a.on ? "desk.log.ban" : "desk.log.unban"),
  slow: () => "desk.log.slow",
  words: () => "desk.log.words",
  danmaku: (a) => (a.on ? "desk.log.danmaku-on" : "desk.log.danmaku-off"),
  panic: (a) => (a.on ? "desk.log.panic-on" : "desk.log.panic-off"),
  approve: () => "desk.log.approve",
  hide: () => "desk.log.hide",
};

function log() {
  const list = listOf("desk.log.empty", "acts");
  list.list.classList.add("scroll", "short");
  const make = (first) => {
    const entry = { item: first };
    const when = el("time", { class: "soft" });
    const words_ = el("span", { class: "grow" });
    const undo = button("desk.undo", async () => {
      await act({ do: "undo", act: entry.item.act });
      tell(t("desk.undone"));
    }, { test: "act-undo" });
    entry.node = el("li", { class: "row", test: "act" }, when, words_, undo);
    entry.update = (a) => {
      entry.item = a;
      text(when, clock(a.at_ms));
      const { what } = a;
      const key = Object.hasOwn(ABOUT, what.act) ? ABOUT[what.act](what) : "desk.log.other";
      say(words_, key, {
        by: a.by, about: a.about, s: what.seconds ?? 0, n: what.words?.length ?? 0, until: what.until_ms ? clock(what.until_ms) : "",
      });
      undo.hidden = !a.can_undo;
    };
    return entry;
  };
  watch(["staff"], () => list.show(state.staff.acts.slice(0, 60), (a) => a.act, make, update));
  return card("desk.log", "card-acts", list.node);
}

/// The panic button: one tap on, a question before off.
export function panic() {
  const node = el("button", { type: "button", class: "panic", test: "panic" });
  const words_ = el("span", {});
  node.append(words_);
  node.addEventListener("click", async () => {
    const on = Boolean(state.room?.panic);
    if (on && !await confirm("desk.panic.ask", {}, "desk.panic.end")) return;
    node.setAttribute("aria-busy", "true");
    try {
      await act({ do: "panic", on: !on });
    } catch (e) {
      complain(e);
    } finally {
      node.removeAttribute("aria-busy");
    }
  });
  watch(["room"], () => {
    const on = Boolean(state.room?.panic);
    say(words_, on ? "desk.panic.off" : "desk.panic");
    node.setAttribute("aria-pressed", String(on));
    document.body.classList.toggle("panicked", on);
  });
  return node;
}

/// Columns on a desktop; on a phone they stand one under the other, the queue and the chat first.
export const chatPanels = () => [
  el("div", { class: "column" }, holdQueue(), rules()), el("div", { class: "column" }, chat()), el("div", { class: "column" }, people(), log()),
];
