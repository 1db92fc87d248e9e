// On air: go live and end, how the box is, bitrate and backlog, the preview, destinations, sound.
import { Player } from "../lib/player.js";
import { command } from "./api.js";
import { Plot } from "./plot.js";
import { changed, state, watch } from "./store.js";
import { button, card, complain, confirm, el, field, form, listOf, newId, tell, text, toggle } from "./ui.js";
import { rate, say, span, t } from "./words.js";

const OUT_OF_SIGHT_MS = 20_000;

/// Tells of an order that does not come into effect at once.
export function told(answer) {
  if (answer?.message) tell(answer.message);
}

export async function order(name, args) {
  told(await command(name, args));
}

function liveCard() {
  const go = button("desk.live.go", async () => {
    if (state.status?.live) {
      if (!await confirm("desk.live.ask", {}, "desk.live.end")) return;
      await order("live-stop");
    } else await order("live-start");
  }, { test: "live", kind: "golive" });
  const sentence = el("p", { class: "health", test: "health" });
  sentence.setAttribute("role", "status");
  const facts = el("dl", { class: "facts" });
  const plots = el("div", { class: "two" }, plotOf("desk.plot.bitrate", "plot-bitrate", ["--accent", "--ok"], (s) => [
    s.bitrate.now, Math.max(0, ...s.destinations.map((d) => d.figures.bps)),
  ], (s) => rate(s.bitrate.now)), plotOf("desk.plot.backlog", "plot-backlog", ["--warning"], (s) => [
    Math.max(0, ...s.destinations.map((d) => d.figures.backlog_ms)),
  ], (s) => `${Math.max(0, ...s.destinations.map((d) => d.figures.backlog_ms))} ms`, 1000));
  const node = card("desk.live", "card-live", go, sentence, plots, facts);
  watch(["status"], () => {
    const s = state.status;
    go.disabled = !s;
    say(go, s?.live ? "desk.live.end" : "desk.live.go");
    go.classList.toggle("on", Boolean(s?.live));
    if (!s) return;
    text(sentence, s.health.sentence);
    node.dataset.severity = s.health.severity;
    showFacts(facts, s);
  });
  return node;
}

function showFacts(facts, s) {
  const main = s.encoders[0];
  const pairs = [
    ["desk.fact.camera", sourceWords(s.camera)],
    ["desk.fact.mic", sourceWords(s.mic)],
    ["desk.fact.encoder", main ? `${main.encoder ?? "–"} · ${main.video.width}×${main.video.height} · ${main.video.fps}/s` : "–"],
    ["desk.fact.heat", s.hardware.temperature_c === null ? "–" : `${s.hardware.temperature_c.toFixed(1)} °C`],
    ["desk.fact.uptime", span(s.uptime_s)],
    ["desk.fact.rtsp", String(s.rtsp_readers)],
  ];
  if (facts.childElementCount !== pairs.length * 2) facts.replaceChildren(...pairs.flatMap(([key]) => [el("dt", { t: key }), el("dd")]));
  pairs.forEach(([, words], i) => text(facts.children[i * 2 + 1], words));
}

function sourceWords(source) {
  if (source.state === "up") return source.description;
  if (source.state === "lost") return t("desk.source.lost", { reason: source.reason, tries: source.tries });
  return t(`desk.source.${source.state}`);
}

function plotOf(key, test, colours, values, words, max) {
  const canvas = el("canvas", { class: "plot", test });
  canvas.setAttribute("aria-hidden", "true");
  const now = el("b", {});
  const plot = new Plot(canvas, colours, max);
  setInterval(() => {
    if (!state.status) return;
    plot.push(values(state.status));
    text(now, words(state.status));
  }, 500);
  return el("figure", {}, el("figcaption", {}, el("span", { t: key }), " ", now), canvas);
}

function previewCard() {
  const video = el("video", { class: "preview", test: "preview", muted: true, playsInline: true, autoplay: true, label: "desk.preview" });
  const said = el("p", { class: "soft", test: "preview-state" });
  let player = null;
  const play = () => {
    player ??= new Player(video, { onState: (s) => {
      node.dataset.player = s.state;
      say(said, ["playing", "connecting", "waiting", "offline", "idle"].includes(s.state) ? `desk.preview.${s.state}` : "desk.preview.waiting");
    } });
    player.start();
  };
  const run = toggle("desk.preview.on", "preview-on", (on) => {
    if (on) play();
    else player?.stop();
    run.set(on);
  });
  const sound = toggle("desk.preview.sound", "preview-sound", async (on) => sound.set(player ? await player.sound(on) : false));
  const node = card("desk.preview", "card-preview", video, said, el("div", { class: "row" }, run.node, sound.node));
  say(said, "desk.preview.idle");
  // Out of sight it costs the box and the network nothing.
  let away = 0;
  new IntersectionObserver((seen) => {
    clearTimeout(away);
    if (run.node.getAttribute("aria-checked") !== "true") return;
    if (!seen.at(-1).isIntersecting) away = setTimeout(() => player?.stop(), OUT_OF_SIGHT_MS);
    else if (node.dataset.player === "idle") player?.start();
  }).observe(video);
  try {
    play();
    run.set(true);
  } catch (e) {
    complain(e);
  }
  return node;
}

const DOT = { off: "", connecting: "notice", live: "ok", waiting: "warning", key_rejected: "problem" };

function destinationMake(first) {
  const entry = { item: first };
  const dot = el("span", { class: "dot" });
  const name = el("b", { class: "grow" });
  const on = toggle("desk.dest.on", "destination-on", (enabled) => order("destination-enable", { destination: entry.item.name, enabled }));
  const words = el("p", { test: "destination-state" });
  const url = el("p", { class: "mono small soft" });
  const gone = button("desk.remove", async () => {
    if (await confirm("desk.dest.ask", { name: entry.item.name }, "desk.remove")) await order("destination-remove", { destination: entry.item.name });
  }, { test: "destination-remove", kind: "danger small-button" });
  entry.node = el("li", { class: "line", test: "destination" }, el("div", { class: "by" }, dot, name, on.node), words, url, el("div", { class: "acts one" }, gone));
  entry.update = (d) => {
    entry.item = d;
    entry.node.dataset.destination = d.name;
    entry.node.dataset.state = d.state;
    dot.className = `dot ${DOT[d.state] ?? ""}`;
    text(name, d.name);
    on.set(d.enabled);
    const idle = d.state === "off" && d.enabled ? "ready" : d.state;
    say(words, `desk.dest.${idle}`, {
      reason: d.reason ?? "", s: Math.ceil((d.retry_ms ?? 0) / 1000), rate: rate(d.figures.bps), backlog: d.figures.backlog_ms,
    });
    text(url, [d.url, d.max_bitrate ? `≤ ${rate(d.max_bitrate)}` : ""].filter(Boolean).join(" · "));
    url.hidden = !url.textContent;
    gone.hidden = !d.added;
    gone.parentElement.hidden = !d.added;
  };
  return entry;
}

function destinationCard() {
  const list = listOf("desk.dest.none", "destinations");
  watch(["status"], () => list.show(state.status?.destinations ?? [], (d) => d.name, destinationMake, (e, d) => e.update(d)));
  const name = el("input", { name: "name", required: true, pattern: "[a-z0-9\\-]{1,32}", autocomplete: "off", autocapitalize: "none", test: "destination-name" });
  const url = el("input", { name: "url", required: true, maxLength: 1024, autocomplete: "off", test: "destination-url", inputMode: "url" });
  url.placeholder = "rtmps://live.example.org/app";
  const key = el("input", { name: "key", type: "password", autocomplete: "off", test: "destination-key" });
  const most = el("input", { name: "most", type: "number", min: "100", step: "1", inputMode: "numeric", test: "destination-max" });
  const add = form([
    field("desk.dest.name", name, "desk.dest.name.hint"), field("desk.dest.url", url, "desk.dest.url.hint"),
    field("desk.dest.key", key, "desk.dest.key.hint"), field("desk.dest.max", most),
  ], "desk.dest.save", "destination-form", async () => {
    const args = { destination: name.value.trim(), url: url.value.trim() };
    if (key.value) args.key = key.value.trim();
    if (most.value) args.max_bitrate = Math.round(Number(most.value) * 1000);
    await order("destination-set", args);
  });
  return card("desk.dests", "card-destinations", list.node, el("details", {}, el("summary", { t: "desk.dest.new", test: "destination-new" }), add));
}

/// A slider that sends while it is moved, at most so often, and follows the box unless somebody holds it.
export function slider(key, { test, min, max, step, unit, send, label }) {
  const input = el("input", { type: "range", test, id: newId("slider") });
  Object.assign(input, { min: String(min), max: String(max), step: String(step) });
  const out = el("output", { htmlFor: input.id });
  const name = label ? el("label", { htmlFor: input.id }, label) : el("label", { t: key, htmlFor: input.id });
  const show = () => {
    const words = `${input.value}${unit ? ` ${unit}` : ""}`;
    text(out, words);
    input.setAttribute("aria-valuetext", words);
  };
  let held = false;
  let timer = 0;
  let asked = 0;
  const go = () => {
    timer = 0;
    asked = Date.now();
    Promise.resolve(send(Number(input.value))).catch(complain).finally(() => changed("status"));
  };
  input.addEventListener("input", () => {
    held = true;
    show();
    if (!timer) timer = setTimeout(go, 200);
  });
  input.addEventListener("change", () => {
    held = false;
    clearTimeout(timer);
    go();
  });
  return {
    node: el("div", { class: "field slider" }, name, out, input),
    input,
    set(value) {
      if (held || timer || Date.now() - asked < 1500 || value === null || value === undefined) return;
      input.value = String(value);
      show();
    },
  };
}

function meter(n) {
  const bar = el("span", { class: "level" });
  const peak = el("span", { class: "peak" });
  const words = el("span", { class: "mono small" });
  const node = el("div", { class: "meter", test: "meter" }, el("span", { class: "scale" }, bar, peak), words);
  node.setAttribute("role", "meter");
  node.setAttribute("aria-valuemin", "-60");
  node.setAttribute("aria-valuemax", "0");
  return {
    node,
    set(level) {
      const part = (db) => `${Math.round(Math.min(1, Math.max(0, (db + 60) / 60)) * 1000) / 10}%`;
      bar.style.width = part(level.rms_db);
      peak.style.left = part(level.peak_db);
      const db = Math.max(-120, level.peak_db);
      node.classList.toggle("clip", db > -1);
      text(words, db <= -120 ? "−∞ dBFS" : `${db.toFixed(1)} dBFS`);
      node.setAttribute("aria-valuenow", String(Math.max(-60, Math.round(db))));
      say(node, "desk.sound.channel", { n: n + 1 }, "aria-label");
    },
  };
}

function soundCard() {
  const meters = el("div", { test: "meters" });
  const made = [];
  const said = el("p", { class: "soft", test: "sound-state" });
  const mute = toggle("desk.sound.mute", "mute", (muted) => order("audio-mute", { muted }));
  const gain = slider("desk.sound.gain", { test: "gain", min: -60, max: 30, step: 0.5, unit: "dB", send: (gain_db) => order("audio-gain", { gain_db }) });
  const offset = slider("desk.sound.offset", { test: "offset", min: -2000, max: 2000, step: 10, unit: "ms", send: (offset_ms) => order("audio-offset", { offset_ms }) });
  const volume = slider("desk.sound.volume", { test: "mic-volume", min: 0, max: 100, step: 1, unit: "%", send: (percent) => order("mic-volume", { percent }) });
  const mic = toggle("desk.sound.mic", "mic-switch", (on) => order("mic-switch", { on }));
  const note = el("p", { class: "wrong" });
  const node = card("desk.sound", "card-sound", meters, said, mute.node, gain.node, offset.node, volume.node, mic.node, note);
  watch(["status"], () => {
    const { sound, mixer } = state.status ?? {};
    for (const part of [mute.node, gain.node, offset.node]) part.hidden = !sound;
    volume.node.hidden = !mixer || (mixer.percent ?? null) === null;
    mic.node.hidden = !mixer || (mixer.on ?? null) === null;
    text(note, mixer?.note ?? "");
    say(said, sound ? (sound.muted ? "desk.sound.muted" : `desk.sound.${sound.level ?? "away"}`) : "desk.sound.none");
    while (made.length < (sound?.channels.length ?? 0)) {
      made.push(meter(made.length));
      meters.append(made.at(-1).node);
    }
    made.forEach((m, i) => {
      m.node.hidden = i >= (sound?.channels.length ?? 0);
      if (!m.node.hidden) m.set(sound.channels[i]);
    });
    mute.set(sound?.muted);
    gain.set(sound?.gain_db);
    offset.set(sound?.offset_ms);
    volume.set(mixer?.percent);
    mic.set(mixer?.on);
  });
  return node;
}

export const airPanels = () => [liveCard(), previewCard(), destinationCard(), soundCard()];
