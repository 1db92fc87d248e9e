// Texts of the desk in the language that was chosen. An element remembers which text it shows, so that another language is shown
// at once and nothing that was typed is lost.
import { addTexts, lang, setLang, startLang, t } from "../lib/i18n.js";
import en from "./text-en.js";
import zh from "./text-zh.js";

addTexts("en", en);
addTexts("zh", zh);
startLang();

export { t, lang };

const shown = new WeakMap();

/// Lets `node` show a text; `where`: `text`, or the attribute that holds it.
export function say(node, key, values, where = "text") {
  if (!shown.has(node)) shown.set(node, new Map());
  const known = shown.get(node).get(where);
  if (known && known.key === key && JSON.stringify(known.values) === JSON.stringify(values)) return node;
  shown.get(node).set(where, { key, values });
  node.dataset.said = "";
  put(node, where, t(key, values));
  return node;
}

function put(node, where, text) {
  if (where !== "text") node.setAttribute(where, text);
  else if (node.textContent !== text) node.textContent = text;
}

/// Shows the page in another language.
export function speak(language) {
  setLang(language);
  sayAll();
}

/// Says everything anew.
export function sayAll() {
  document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-said]")) {
    for (const [where, { key, values }] of shown.get(node) ?? []) put(node, where, t(key, values));
  }
}

const locale = () => (lang() === "zh" ? "zh-CN" : "en-GB");
const two = (n) => String(n).padStart(2, "0");

/// `14:03:09`
export function clock(ms) {
  const d = new Date(ms);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/// Day and time.
export const moment = (ms) => (Number.isFinite(ms) && ms > 0
  ? new Date(ms).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" }) : "–");

/// `1:02:03`
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const h = Math.floor(s / 3600);
  const m = Math.floor(s / 60) % 60;
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/// bit/s in the unit that fits.
export const rate = (bps) => (bps >= 1e6 ? `${(bps / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bps / 1e3)} kbit/s`);
