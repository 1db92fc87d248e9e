// The login page: name and password, a count-down after too many tries, and the password changed where it is the first one.
import { get, post } from "./api.js";
import { passwordForm } from "./password.js";
import { el, field, sentence, text, toastPlaces } from "./ui.js";
import { lang, say, sayAll, speak, t } from "./words.js";

/// Where to go afterwards: a page of this box and nothing else.
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/(?![/\\])[\w\-/.#]*$/.test(wanted) ? wanted : "/desk";
}

/// Accounts of viewers have no desk: they go to the room.
const onwards = (role) => location.assign(role === "viewer" && next() === "/desk" ? "/" : next());

function language() {
  const node = el("button", { type: "button", class: "plain", test: "language", label: "desk.language" });
  const show = () => {
    text(node, lang() === "zh" ? "EN" : "中文");
    document.title = t("login.title");
  };
  node.addEventListener("click", () => {
    speak(lang() === "zh" ? "en" : "zh");
    show();
  });
  show();
  return node;
}

function loginForm(done) {
  const name = el("input", { name: "name", required: true, maxLength: 64, autocomplete: "username", autocapitalize: "none", spellcheck: false, test: "login-name" });
  const pass = el("input", { name: "password", type: "password", required: true, maxLength: 256, autocomplete: "current-password", test: "login-password" });
  const see = el("button", { type: "button", class: "plain", test: "login-show", t: "login.show" });
  see.setAttribute("aria-pressed", "false");
  see.addEventListener("click", () => {
    const shown = pass.type === "text";
    pass.type = shown ? "password" : "text";
    see.setAttribute("aria-pressed", String(!shown));
    say(see, shown ? "login.show" : "login.hide");
  });
  const said = el("p", { class: "wrong", role: "alert", test: "login-error" });
  const wait = el("p", { class: "soft", test: "login-wait", hidden: true });
  const send = el("button", { type: "submit", class: "main", test: "login-send", t: "login.send" });
  const form = el("form", { test: "login-form" }, field("login.name", name), field("login.password", pass), see, said, wait, send);
  let timer = 0;

  function countDown(ms) {
    const end = Date.now() + ms;
    clearInterval(timer);
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      wait.hidden = left <= 0;
      send.disabled = left > 0;
      if (left > 0) say(wait, "login.wait", { s: left });
      else {
        clearInterval(timer);
        text(said, "");
      }
    };
    timer = setInterval(tick, 250);
    tick();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.getAttribute("aria-busy") === "true" || send.disabled) return;
    send.setAttribute("aria-busy", "true");
    text(said, "");
    try {
      const answer = await post("/login", { name: name.value.trim(), password: pass.value });
      done(answer, pass.value);
    } catch (e) {
      // The name stays, and so does the password: one letter may be all that is wrong.
      text(said, sentence({ message: e.message, code: e.code }));
      if (e.retryMs > 0) countDown(e.retryMs);
      pass.select();
      pass.focus();
    } finally {
      send.removeAttribute("aria-busy");
    }
  });
  return { form, name };
}

async function start() {
  const main = el("main", { class: "alone card" });
  const box = el("h1", { t: "login.title" });
  document.body.append(el("header", { class: "top" }, el("div", { class: "who" }, box), el("div", { class: "tools" }, el("a", { href: "/", t: "desk.room" }), language())), main, ...toastPlaces());

  function change(old = "") {
    const later = el("a", { href: next(), t: "login.later", test: "login-later" });
    main.replaceChildren(el("h2", { t: "desk.pass" }), el("p", { t: "login.first" }), passwordForm("password", () => onwards(), old), later);
    [...main.querySelectorAll("input")].find((input) => !input.value).focus();
  }
  const change_ = new URLSearchParams(location.search).has("change");
  const { form, name } = loginForm((answer, password) => (answer?.first_password || change_ ? change(password) : onwards(answer?.role)));
  const hint = el("details", { test: "login-hint" }, el("summary", { t: "login.help" }), el("p", { t: "login.hint" }), el("p", { t: "login.forgot" }));
  main.append(form, hint);
  sayAll();
  name.focus();
  if (location.protocol === "http:" && !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) main.prepend(el("p", { class: "soft", t: "login.plain" }));
  // Whoever is in already may change the password here, or go on.
  try {
    const me = await get("/api/me");
    if (me.role === "owner" || me.role === "moderator") {
      if (change_) change();
      else main.prepend(el("p", { test: "login-already" }, el("a", { href: next(), t: "login.already" })));
    }
  } catch { /* nobody is: that is what this page is for */ }
}

start();
