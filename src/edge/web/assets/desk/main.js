// The desk: who is here, the tabs of their role, and the connection to the room.
import { Socket } from "../lib/socket.js";
import { actThrough, undoBar } from "./act.js";
import { airPanels } from "./air.js";
import { get, post } from "./api.js";
import { boxPanels } from "./box.js";
import { chatPanels, panic } from "./chat.js";
import { picturePanels } from "./picture.js";
import { questionPanels, waiting } from "./questions.js";
import { showPanels } from "./show.js";
import { changedAll, isOwner, setConnected, state, take, watch } from "./store.js";
import { button, complain, el, sentence, text, toastPlaces } from "./ui.js";
import { lang, say, sayAll, speak, t } from "./words.js";

const MESSAGES = [
  "hello", "line", "line-gone", "held", "count", "poll", "questions", "products", "draws", "announcement", "room", "you", "staff", "status",
];

const TABS = [
  { id: "air", icon: "◉", panels: airPanels, owner: true },
  { id: "chat", icon: "☰", panels: chatPanels, count: () => state.staff.held.length },
  { id: "questions", icon: "?", panels: questionPanels, count: waiting },
  { id: "show", icon: "★", panels: showPanels },
  { id: "picture", icon: "▣", panels: picturePanels, owner: true },
  { id: "box", icon: "⚙", panels: boxPanels },
];

export function languageButton() {
  const node = el("button", { type: "button", class: "plain", test: "language", label: "desk.language" });
  const show = () => text(node, lang() === "zh" ? "EN" : "中文");
  node.addEventListener("click", () => {
    speak(lang() === "zh" ? "en" : "zh");
    show();
    changedAll();
    document.title = title();
  });
  show();
  return node;
}

function title() {
  const waits = state.staff.held.length + state.staff.pending.length;
  return `${waits ? `(${waits}) ` : ""}${state.status?.name ?? "Boothcast"} · ${t("desk.title")}`;
}

function header() {
  const name = el("h1", { test: "box-name" });
  const live = el("span", { class: "badge", test: "live-badge" });
  const count = el("span", { class: "soft", test: "viewers" });
  const link = el("span", { class: "badge warn", test: "link", hidden: true, t: "desk.link.away" });
  link.setAttribute("role", "status");
  const out = button("desk.logout", async () => {
    await post("/logout");
    location.assign("/login");
  }, { test: "logout", kind: "plain" });
  watch(["status", "room", "count", "link", "staff"], () => {
    text(name, state.status?.name ?? "Boothcast");
    const on = state.status ? state.status.live : Boolean(state.room?.show);
    say(live, on ? "desk.is-live" : "desk.is-not-live");
    live.classList.toggle("live", on);
    say(count, "desk.count", { n: state.room?.viewers ?? 0, likes: state.room?.likes ?? 0 });
    link.hidden = state.connected;
    document.title = title();
  });
  return el("header", { class: "top" }, el("div", { class: "who" }, name, live, count, link),
    el("div", { class: "tools" }, el("a", { href: "/", t: "desk.room", test: "to-room" }), languageButton(), out), panic());
}

function tabs(places) {
  const nav = el("div", { class: "tabs", role: "tablist", label: "desk.tabs" });
  const mine = TABS.filter((tab) => !tab.owner || isOwner());
  const made = mine.map((tab) => {
    const count = el("span", { class: "count" });
    const node = el("button", { type: "button", role: "tab", id: `tab-${tab.id}`, test: `tab-${tab.id}` },
      el("span", { class: "icon", ariaHidden: "true" }, tab.icon), el("span", { t: `desk.tab.${tab.id}` }), count);
    const panel = el("div", { class: `panel panel-${tab.id}`, role: "tabpanel", id: `panel-${tab.id}`, test: `panel-${tab.id}`, hidden: true });
    panel.setAttribute("aria-labelledby", node.id);
    node.setAttribute("aria-controls", panel.id);
    node.addEventListener("click", () => choose(tab.id, true));
    if (tab.count) watch(["staff"], () => text(count, tab.count() ? String(tab.count()) : ""));
    nav.append(node);
    places.append(panel);
    return { ...tab, node, panel };
  });
  // Arrow keys move among tabs (WAI-ARIA, tabs).
  nav.addEventListener("keydown", (event) => {
    const at = made.findIndex((m) => m.node === document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    const next = made[(at + step + made.length) % made.length];
    choose(next.id, true);
    next.node.focus();
  });
  function choose(id, write) {
    for (const one of made) {
      const is = one.id === id;
      // What a tab shows is made when it is opened first: the preview of the picture costs.
      if (is && !one.panel.firstChild) one.panel.append(...columns(one));
      one.panel.hidden = !is;
      one.node.setAttribute("aria-selected", String(is));
      one.node.tabIndex = is ? 0 : -1;
    }
    if (write) history.replaceState(null, "", `#${id}`);
    if (write) scrollTo(0, 0);
  }
  const wanted = location.hash.slice(1);
  choose(made.some((m) => m.id === wanted) ? wanted : made[0].id, false);
  addEventListener("hashchange", () => {
    const to = location.hash.slice(1);
    if (made.some((m) => m.id === to)) choose(to, false);
  });
  return el("nav", { class: "around", label: "desk.tabs" }, nav);
}

/// A panel that cannot be made does not take the others with it.
function columns(tab) {
  try {
    return tab.panels();
  } catch (e) {
    console.error(e);
    return [el("p", { class: "wrong" }, String(e.message))];
  }
}

function connect() {
  const socket = new Socket("/api/ws", {
    // One that was let in before and is not now: the session may be over.
    before: async (attempt) => {
      if (attempt > 0 && !mayWork(await get("/api/me"))) dispatchEvent(new CustomEvent("desk-logged-out"));
    },
  });
  actThrough(socket);
  for (const kind of MESSAGES) socket.on(kind, take);
  socket.on("state", (s) => setConnected((s?.state ?? s) === "open"));
}

async function start() {
  try {
    state.me = { ...state.me, ...(await get("/api/me")) };
  } catch (e) {
    if (e.status === 401 || e.status === 403) return toLogin();
    document.body.replaceChildren(el("main", { class: "alone" }, el("p", { class: "wrong", test: "failed" }, sentence(e)),
      el("button", { type: "button", class: "main", t: "desk.try", on: { click: () => location.reload() } })));
    return undefined;
  }
  if (!mayWork(state.me)) return toLogin();
  const main = el("main", { tabIndex: -1 });
  const lost = el("p", { class: "lost", test: "logged-out", hidden: true, role: "alert" },
    el("span", { t: "desk.lost" }), " ", el("a", { href: "/login?next=/desk", t: "desk.login", test: "login-again" }));
  addEventListener("desk-logged-out", () => {
    lost.hidden = false;
  });
  const first = el("p", { class: "first", test: "first-password", hidden: !state.me.first_password },
    el("span", { t: "desk.first" }), " ", el("a", { href: "/login?change=1", t: "desk.pass", test: "first-password-change" }));
  if (isOwner()) get("/api/status").then((s) => { if (!state.status) take({ t: "status", status: s }); }).catch(complain);
  document.body.append(header(), el("aside", { label: "desk.notices" }, lost, first), tabs(main), main, undoBar(), ...toastPlaces());
  sayAll();
  connect();
  return undefined;
}

const mayWork = (me) => me?.role === "owner" || me?.role === "moderator";

function toLogin() {
  location.replace(`/login?next=${encodeURIComponent("/desk")}`);
}

start();
