// The picture: the camera's controls, and what is drawn over it.
import { order, slider } from "./air.js";
import { state, watch } from "./store.js";
import { button, card, check, confirm, el, field, form, keep, newId, text, toggle } from "./ui.js";
import { say, t } from "./words.js";

function controlMake(first) {
  const name = first.control;
  const set = (value) => order("camera-control", { control: name, value });
  const title = first.label || name;
  const note = el("small", { class: "wrong" });
  const reset = button("desk.reset", () => order("camera-control-reset", { control: name }), { test: `control-${name}-reset`, kind: "small-button" });
  const test = `control-${name}`;
  let part;
  if (first.kind === "number") {
    part = slider(null, { test, label: title, min: first.min, max: first.max, step: first.step, send: set });
  } else if (first.kind === "switch") {
    const one = toggle("desk.nothing", test, set);
    one.node.lastElementChild.removeAttribute("data-said");
    one.node.lastElementChild.textContent = title;
    part = { node: one.node, input: one.node, set: (v) => one.set(v !== 0) };
  } else {
    const input = el("select", { test, id: newId("menu") }, first.choices.map(([index, words]) => el("option", { value: String(index) }, words)));
    input.addEventListener("change", () => {
      const chosen = first.choices.find(([index]) => String(index) === input.value);
      set(chosen ? chosen[1] : Number(input.value)).catch((e) => text(note, e.message));
      input.blur();
    });
    part = {
      node: el("div", { class: "field" }, el("label", { htmlFor: input.id }, title), input),
      input,
      set: (v) => {
        if (document.activeElement !== input && v !== null) input.value = String(v);
      },
    };
  }
  const node = el("li", { class: "control", test: `camera-${name}` }, el("div", { class: "grow" }, part.node, note), reset);
  return {
    node,
    update(c) {
      part.set(c.value);
      part.input.disabled = !c.writable;
      node.classList.toggle("idle", !c.active);
      reset.disabled = c.value === c.default && (c.wanted ?? null) === null;
      text(note, c.note ?? (c.active ? "" : t("desk.camera.idle")));
    },
  };
}

function cameraCard() {
  const what = el("p", { class: "soft", test: "camera-state" });
  const list = el("ul", { class: "list controls", test: "controls" });
  const kept = el("p", { class: "wrong" });
  const none = el("p", { class: "empty", t: "desk.camera.none" });
  const reset = button("desk.camera.reset", async () => {
    if (await confirm("desk.camera.ask", {}, "desk.camera.reset")) await order("camera-control-reset", {});
  }, { test: "controls-reset" });
  watch(["status"], () => {
    const { controls = [], kept_controls: waits = [], camera } = state.status ?? {};
    if (camera) text(what, camera.description ?? camera.reason ?? t(`desk.source.${camera.state}`));
    none.hidden = controls.length > 0;
    reset.hidden = controls.length === 0;
    // Another camera has another range under the same name: the key holds it.
    keep(list, controls, (c) => [c.control, c.kind, c.min, c.max, c.step, c.choices?.length].join("/"), controlMake, (e, c) => e.update(c));
    text(kept, waits.map((k) => `${k.control}: ${k.note}`).join("; "));
  });
  return card("desk.camera", "card-camera", what, none, list, kept, reset);
}

const LAYERS = ["danmaku", "clock", "logo", "ticker", "banner", "lower-third", "poll", "product", "countdown", "alert", "status"];

function layersCard() {
  const made = LAYERS.map((layer) => {
    const one = toggle(`desk.layer.${layer}`, `layer-${layer}`, (on) => order(on ? "layer-show" : "layer-hide", { layer }));
    return { layer, ...one };
  });
  watch(["status"], () => {
    const hidden = state.status?.stage.hidden ?? [];
    for (const { layer, set } of made) set(!hidden.includes(layer));
  });
  const clear = button("desk.scene.clear", async () => {
    if (!await confirm("desk.scene.ask", {}, "desk.scene.clear")) return;
    for (const name of ["overlay-clear", "lower-third", "ticker", "countdown"]) await order(name, name === "overlay-clear" ? undefined : {});
  }, { test: "scene-clear", kind: "danger" });
  return card("desk.layers", "card-layers", el("div", { class: "switches" }, made.map((m) => m.node)), clear);
}

const onAir = (part) => state.status?.stage[part] ?? null;

/// A form for one thing on the picture, with what is there now and a button that takes it off.
function thing(key, test, parts, send, { now, off }) {
  const there = el("span", { class: "badge good", test: `${test}-now` });
  const gone = button("desk.scene.off", off, { test: `${test}-off`, kind: "warn" });
  const node = form(parts, "desk.scene.show", `${test}-form`, send, { reset: false });
  node.querySelector(".row:last-child").append(gone, there);
  watch(["status"], () => {
    const words = now();
    gone.hidden = !words;
    there.hidden = !words;
    text(there, words === true ? t("desk.scene.on") : words ?? "");
  });
  return el("fieldset", {}, el("legend", { t: key }), node);
}

const input = (test, props = {}) => el("input", { autocomplete: "off", test, ...props });

function sceneCard() {
  const bannerText = input("banner-text", { required: true, maxLength: 100 });
  const name = input("lower-name", { required: true, maxLength: 60 });
  const line = input("lower-line", { maxLength: 100 });
  const seconds = input("lower-seconds", { type: "number", min: "1", max: "86400", inputMode: "numeric" });
  const tick = input("ticker-text", { required: true, maxLength: 500 });
  const title = input("countdown-title", { maxLength: 60 });
  const minutes = input("countdown-minutes", { type: "number", min: "0.1", max: "525600", step: "any", required: true, inputMode: "decimal" });
  minutes.defaultValue = "10";
  return card("desk.scene", "card-scene",
    thing("desk.scene.lower", "lower", [field("desk.scene.name", name), field("desk.scene.line", line), field("desk.scene.seconds", seconds, "desk.scene.seconds.hint")], () => {
      const args = { name: name.value.trim() };
      if (line.value.trim()) args.line = line.value.trim();
      if (seconds.value) args.seconds = Number(seconds.value);
      return order("lower-third", args);
    }, { now: () => onAir("lower_third"), off: () => order("lower-third", {}) }),
    thing("desk.layer.ticker", "ticker", [field("desk.scene.text", tick)], () => order("ticker", { text: tick.value.trim() }),
      { now: () => onAir("ticker") || null, off: () => order("ticker", {}) }),
    thing("desk.layer.countdown", "countdown", [field("desk.scene.title", title), field("desk.scene.minutes", minutes)], () => {
      const args = { seconds: Math.max(1, Math.round(Number(minutes.value) * 60)) };
      if (title.value.trim()) args.title = title.value.trim();
      return order("countdown", args);
    }, { now: () => (onAir("countdown") ? new Date(onAir("countdown") * 1000).toLocaleTimeString() : null), off: () => order("countdown", {}) }),
    thing("desk.layer.banner", "banner", [field("desk.scene.text", bannerText)], () => order("overlay-text", { text: bannerText.value.trim() }),
      { now: () => onAir("banner"), off: () => order("overlay-clear") }),
    logo());
}

const CORNERS = ["", "top-left", "top-right", "bottom-left", "bottom-right"];

function logo() {
  const file = input("logo-file", { type: "file", accept: "image/png,image/jpeg" });
  const corner = el("select", { test: "logo-corner" }, CORNERS.map((c) => say(el("option", { value: c }), c ? `desk.corner.${c}` : "desk.corner.same")));
  const percent = input("logo-percent", { type: "number", min: "1", max: "50", step: "any", inputMode: "decimal" });
  return thing("desk.layer.logo", "logo", [field("desk.logo.file", file, "desk.logo.hint"), el("div", { class: "two" }, field("desk.logo.corner", corner), field("desk.logo.percent", percent))], async () => {
    const args = {};
    if (file.files[0]) args.picture = await base64(file.files[0]);
    if (corner.value) args.corner = corner.value;
    if (percent.value) args.percent = Number(percent.value);
    await order("logo", args);
  }, { now: () => onAir("logo") || null, off: () => order("logo", { off: true }) });
}

async function base64(file) {
  if (file.size > 128 * 1024) throw new Error(t("desk.logo.large"));
  const bytes = new Uint8Array(await file.arrayBuffer());
  let words = "";
  for (let i = 0; i < bytes.length; i += 4096) words += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(words);
}

function audienceCard() {
  const mode = el("select", { test: "moderation-mode" }, ["hold", "delay", "free"].map((m) => say(el("option", { value: m }), `desk.mode.${m}`)));
  const delay = input("moderation-delay", { type: "number", min: "0", max: "30", step: "any", inputMode: "decimal" });
  const crossing = input("danmaku-crossing", { type: "number", min: "2", max: "30", step: "any", inputMode: "decimal" });
  const size = input("danmaku-size", { type: "number", min: "2", max: "15", step: "any", inputMode: "decimal" });
  const area = input("danmaku-area", { type: "number", min: "10", max: "100", inputMode: "numeric" });
  const opacity = input("danmaku-opacity", { type: "number", min: "10", max: "100", inputMode: "numeric" });
  const reset = check("desk.danmaku.reset", "danmaku-reset");
  watch(["status"], () => {
    const set = state.status?.stage.moderation;
    if (set && document.activeElement !== mode && !mode.dataset.touched) mode.value = set.mode;
  });
  mode.addEventListener("change", () => {
    mode.dataset.touched = "1";
  });
  const moderation = form([field("desk.mode", mode), field("desk.mode.delay_s", delay)], "desk.apply", "moderation-form", () => {
    const args = { mode: mode.value };
    if (delay.value) args.delay_s = Number(delay.value);
    return order("moderation-set", args);
  }, { reset: false });
  const danmaku = form([el("div", { class: "two" }, field("desk.danmaku.crossing", crossing), field("desk.danmaku.size", size)),
    el("div", { class: "two" }, field("desk.danmaku.area", area), field("desk.danmaku.opacity", opacity)), reset.node], "desk.apply", "danmaku-form", () => {
    const args = reset.input.checked ? { reset: true } : {};
    for (const [key, from] of [["crossing_s", crossing], ["size_percent", size], ["area_percent", area], ["opacity", opacity]]) {
      if (from.value) args[key] = Number(from.value);
    }
    return order("danmaku-set", args);
  }, { reset: false });
  return card("desk.audience", "card-audience", moderation, danmaku);
}

export const picturePanels = () => [layersCard(), sceneCard(), cameraCard(), audienceCard()];
