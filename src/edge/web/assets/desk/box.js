// The box: accounts, sessions, password, reports, log, audit, the way in, what it is.
import { del, get, post, rows } from "./api.js";
import { order } from "./air.js";
import { passwordForm } from "./password.js";
import { settingsCard } from "./settings.js";
import { isOwner, state } from "./store.js";
import { busy, button, card, confirm, el, field, form, listOf, tell, text } from "./ui.js";
import { moment, say, t } from "./words.js";

/// Calls `load` when `node` is looked at, and again with the button.
function fresh(node, load, test) {
  const again = button("desk.refresh", load, { test, kind: "small-button" });
  node.querySelector("h2").after(again);
  new IntersectionObserver((seen, watcher) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watcher.disconnect();
    busy(again, load);
  }).observe(node);
  return node;
}

function accountsCard() {
  const list = listOf("desk.acc.none", "accounts");
  const load = async () => {
    const all = rows(await get("/api/accounts"), "accounts");
    list.show(all, (a) => a.name, (first) => {
      const name = el("b", { class: "grow" });
      const role = el("span", { class: "badge" });
      const seen = el("span", { class: "soft" });
      const out = button("desk.acc.revoke", async () => {
        await del(`/api/sessions?account=${encodeURIComponent(first.name)}`);
        tell(t("desk.acc.revoked", { name: first.name }));
        await load();
      }, { test: "account-revoke" });
      const gone = button("desk.remove", async () => {
        if (!await confirm("desk.acc.ask", { name: first.name }, "desk.remove")) return;
        await del(`/api/accounts/${encodeURIComponent(first.name)}`);
        await load();
      }, { test: "account-remove", kind: "danger" });
      const node = el("li", { class: "line", test: "account", data: { account: first.name } }, el("div", { class: "by" }, name, role, seen), el("div", { class: "acts one" }, out, gone));
      return { node, name, role, seen, gone };
    }, (e, a) => {
      text(e.name, a.name);
      say(e.role, `desk.role.${a.role}`);
      say(e.seen, "desk.acc.seen", { when: moment(a.last_login_ms), n: a.sessions ?? 0 });
      e.gone.hidden = a.name === state.me.name;
    });
  };
  const name = el("input", { name: "name", required: true, maxLength: 32, autocomplete: "off", autocapitalize: "none", test: "account-name" });
  const pass = el("input", { name: "password", type: "password", required: true, minLength: 8, maxLength: 128, autocomplete: "new-password", test: "account-password" });
  const add = form([field("desk.acc.name", name), field("desk.acc.password", pass, "desk.pass.hint")], "desk.acc.create", "account-form", async () => {
    await post("/api/accounts", { name: name.value.trim(), role: "moderator", password: pass.value });
    await load();
  });
  return fresh(card("desk.accounts", "card-accounts", list.node, el("details", {}, el("summary", { t: "desk.acc.new", test: "account-new" }), add)), load, "accounts-refresh");
}

function sessionsCard() {
  const list = listOf("desk.ses.none", "sessions");
  const load = async () => {
    const all = rows(await get("/api/sessions"), "sessions");
    list.show(all, (s) => s.id, (first) => {
      const who = el("b", { class: "grow" });
      const when = el("span", { class: "soft" });
      const here = el("span", { class: "badge good", t: "desk.ses.here" });
      const gone = button("desk.ses.end", async () => {
        await del(`/api/sessions?id=${encodeURIComponent(first.id)}`);
        await load();
      }, { test: "session-end" });
      return { node: el("li", { class: "row", test: "session" }, who, here, when, gone), who, when, here, gone };
    }, (e, s) => {
      text(e.who, s.account ?? state.me.name);
      say(e.when, "desk.ses.when", { since: moment(s.created_ms), seen: moment(s.seen_ms) });
      e.here.hidden = !s.current;
      e.gone.hidden = Boolean(s.current);
    });
  };
  const others = button("desk.ses.others", async () => {
    if (!await confirm("desk.ses.ask", {}, "desk.ses.others")) return;
    await del("/api/sessions");
    await load();
  }, { test: "sessions-end-others", kind: "danger" });
  const node = card("desk.sessions", "card-sessions", list.node, others, el("details", {}, el("summary", { t: "desk.pass", test: "password-open" }), passwordForm()));
  return fresh(node, load, "sessions-refresh");
}

function reportsCard() {
  const list = listOf("desk.rep.none", "shows");
  const load = async () => {
    const all = rows(await get("/api/shows"), "shows");
    list.show(all.slice(0, 30), (s) => s.show, () => {
      const open = el("a", { class: "grow", test: "report" });
      const when = el("span", { class: "soft" });
      const csv = el("a", { test: "report-csv" }, "CSV");
      return { node: el("li", { class: "row", test: "show" }, open, when, csv), open, when, csv };
    }, (e, s) => {
      if (s.title) {
        e.open.removeAttribute("data-said");
        text(e.open, s.title);
      } else say(e.open, "desk.rep.untitled", { show: s.show });
      e.open.href = `/report/${encodeURIComponent(s.show)}`;
      e.csv.href = `/report/${encodeURIComponent(s.show)}.csv`;
      text(e.when, s.ended_ms ? moment(s.begun_ms ?? s.began_ms) : t("desk.rep.now"));
    });
  };
  return fresh(card("desk.reports", "card-reports", list.node), load, "reports-refresh");
}

function logCard() {
  const pre = el("pre", { class: "log", test: "log", tabIndex: 0, role: "group", label: "desk.boxlog" });
  const find = el("input", { type: "search", test: "log-find", label: "desk.boxlog.find", place: "desk.boxlog.find" });
  let lines = [];
  const show = () => {
    const wanted = find.value.toLowerCase();
    const end = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    text(pre, lines.filter((l) => l.toLowerCase().includes(wanted)).join("\n"));
    if (end) pre.scrollTop = pre.scrollHeight;
  };
  find.addEventListener("input", show);
  const load = async () => {
    lines = rows(await get("/api/log?lines=300"), "lines").map((l) => (typeof l === "string" ? l : JSON.stringify(l)));
    show();
  };
  return fresh(card("desk.boxlog", "card-log", find, pre), load, "log-refresh");
}

function auditCard() {
  const list = listOf("desk.audit.none", "audit");
  list.list.classList.add("scroll", "short");
  const load = async () => {
    const all = rows(await get("/api/audit?limit=200"), "audit");
    list.show(all.map((a, n) => ({ ...a, n })), (a) => `${a.at_ms}/${a.n}`, (a) => el("li", { class: "row", test: "audit-line" },
      el("time", { class: "soft" }, moment(a.at_ms)), el("b", {}, a.by ?? a.account ?? "–"),
      el("span", { class: "grow" }, [a.what, a.about].filter(Boolean).map((w) => (typeof w === "string" ? w : JSON.stringify(w))).join(" · "))));
  };
  return fresh(card("desk.audit", "card-audit", list.node), load, "audit-refresh");
}

function wayInCard() {
  const list = el("ul", { class: "addresses", test: "addresses" });
  const line = (address) => {
    const copy = button("desk.way.copy", async () => {
      await navigator.clipboard.writeText(address);
      tell(t("desk.way.copied"));
    }, { test: "address-copy", kind: "small-button" });
    // Browsers have no clipboard for pages without HTTPS.
    copy.hidden = !navigator.clipboard;
    const qr = button("desk.way.show", () => onPicture(address), { test: "address-show", kind: "small-button" });
    qr.hidden = !isOwner();
    return el("li", { class: "row" }, el("a", { href: address, class: "grow", test: "address" }, address), copy, qr);
  };
  const show = (all) => list.replaceChildren(...all.map(line));
  const safe = (all) => all.filter((a) => /^https?:\/\//i.test(a));
  show([`${location.origin}/`]);
  if (isOwner()) get("/api/status").then((s) => show(safe(addressesOf(s.web)))).catch(() => {});
  const off = button("desk.way.off", () => order("product-unpin"), { test: "address-off", kind: "small-button" });
  off.hidden = !isOwner();
  return card("desk.way", "card-way", el("p", { class: "soft", t: "desk.way.hint" }), list, off);
}

/// The QR code of the room, in the place of a product: who watches the stream elsewhere finds the way in.
async function onPicture(address) {
  await order("product-pin", { name: t("desk.way.card"), price: new URL(address).host.slice(0, 24), url: address });
}

/// Where viewers find the room: by address and by name, plainly and with HTTPS.
function addressesOf(web) {
  const ports = [["http", web?.port], ["https", web?.tls_port]].filter(([, port]) => Number.isInteger(port));
  const hosts = [location.hostname, ...(web?.names ?? []).map((name) => `${name}.local`)];
  const all = ports.flatMap(([kind, port]) => hosts.map((host) => `${kind}://${host}:${port}/`));
  return [...new Set([...(web?.addresses ?? []), ...all, ...(all.length ? [] : [`${location.origin}/`])])];
}

function aboutCard() {
  const facts = el("dl", { class: "facts wide", test: "about" });
  const load = async () => {
    const s = await get("/api/status");
    const pairs = [
      ["desk.about.name", s.name],
      ["desk.about.version", s.web?.version ?? s.version ?? s.update?.version],
      ["desk.about.slot", s.update?.slot],
      ["desk.about.fingerprint", s.web?.fingerprint],
      ["desk.about.address", s.hardware?.address ?? s.setup?.network],
      ["desk.about.update", s.update?.note],
    ].filter(([, words]) => words);
    facts.replaceChildren(...pairs.flatMap(([key, words]) => [el("dt", { t: key }), el("dd", { class: key === "desk.about.fingerprint" ? "mono" : "", test: key.replaceAll(".", "-") }, String(words))]));
  };
  const find = button("desk.about.identify", () => order("identify"), { test: "identify" });
  const ask = (key, name, test) => button(key, async () => {
    if (await confirm(`${key}.ask`, {}, key)) await order(name);
  }, { test, kind: "danger" });
  const node = card("desk.about", "card-about", facts, el("div", { class: "row wrap" }, find,
    ask("desk.about.restart", "restart", "restart"), ask("desk.about.reboot", "reboot", "reboot")));
  return fresh(node, load, "about-refresh");
}

export const boxPanels = () => (isOwner()
  ? [settingsCard(), accountsCard(), reportsCard(), wayInCard(), sessionsCard(), aboutCard(), logCard(), auditCard()]
  : [wayInCard(), reportsCard(), sessionsCard()]);

