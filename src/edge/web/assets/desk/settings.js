// Settings, from the box's own schema: what differs is applied key by key, what the box does not take is said at its field.
import { command, get } from "./api.js";
import { part } from "./schema.js";
import { state, watch } from "./store.js";
import { busy, button, card, el, form, tell, text } from "./ui.js";
import { say, t } from "./words.js";

const WAIT_MS = 6000;
/// What has a place of its own on the desk.
const ELSEWHERE = new Set(["live"]);

export function settingsCard() {
  const place = el("div", { test: "settings" });
  const others = el("ul", { class: "wrong", test: "settings-errors" });
  const trial = el("p", { class: "soft", test: "settings-trial" });
  let fields = null;
  let sent = 0;

  async function load() {
    const { schema, values } = await get("/api/schema");
    if (fields) {
      fields.put(values);
      return;
    }
    const properties = Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([key]) => !ELSEWHERE.has(key)));
    fields = part({ properties }, schema.$defs ?? {}, "", values);
    place.replaceChildren(fields.node);
    node.hidden = false;
  }

  function fail(list) {
    const errors = new Map(list.map((e) => [e.path, e.message]));
    fields.fail(errors);
    others.replaceChildren(...[...errors].map(([path, message]) => el("li", {}, `${path}: ${message}`)));
    node.querySelector("[aria-invalid]")?.focus();
  }

  const node = form([place, others], "desk.apply", "settings-form", async () => {
    const settings = fields.read();
    if (!settings) {
      tell(t("desk.set.nothing"));
      return;
    }
    const version = Math.max(state.status?.desired?.version ?? 0, sent) + 1;
    const answer = await command("desired-apply", { version, settings });
    if (answer.outcome === "already_so" && answer.message) throw new Error(answer.message);
    sent = version;
    const report = await reported(version);
    if (!report) throw new Error(t("desk.set.silent"));
    fail(report.errors);
    await load();
    if (report.errors.length === 0) tell(t("desk.set.applied"));
    else throw new Error(t("desk.set.partly", { n: report.errors.length }));
  }, { reset: false });
  node.noValidate = false;
  node.hidden = true;

  const again = button("desk.set.load", load, { test: "settings-load" });
  const shown = card("desk.settings", "card-settings", node, trial, again);
  // Asked for when it is looked at first.
  new IntersectionObserver((seen, watcher) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watcher.disconnect();
    busy(again, load);
  }).observe(again);
  watch(["status"], () => {
    const report = state.status?.desired;
    if (report?.rolled_back) text(trial, report.rolled_back);
    else if (report?.trial) say(trial, "desk.set.trial");
    else text(trial, "");
  });
  return shown;
}

/// What the box says of this version of the settings, as soon as it does.
async function reported(version) {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    let report = state.status?.desired;
    if (!state.connected) report = (await get("/api/status")).desired;
    if (report && report.version >= version) return report;
    await new Promise((done) => setTimeout(done, 150));
  }
  return null;
}
