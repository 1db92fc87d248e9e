// The message catalogue: keys to sentences in English and Chinese. A value is a text with {placeholders}, or [one, many] chosen by `n`.

import en from './text-en.js';
import zh from './text-zh.js';

const texts = { en: { ...en }, zh: { ...zh } };
const listeners = new Set();
let current = 'en';

function stored() {
  try {
    return localStorage.getItem('bc.lang');
  } catch {
    return null; // storage may be forbidden
  }
}

/** Picks from a list of wishes such as `navigator.languages`. */
export function choose(wishes) {
  for (const wish of wishes ?? []) {
    const head = String(wish).toLowerCase().split('-')[0];
    if (head in texts) return head;
  }
  return 'en';
}

/** The language in use: `en` or `zh`. */
export const lang = () => current;

/** Adds texts of another page to a catalogue. */
export function addTexts(which, more) {
  Object.assign(texts[which], more);
}

/** The sentence of a key; numbers are written in the language's own way. */
export function t(key, vars = {}) {
  let text = texts[current][key] ?? texts.en[key];
  if (text === undefined) return key;
  if (Array.isArray(text)) text = vars.n === 1 ? text[0] : text[1];
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = vars[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? num(value) : String(value);
  });
}

/** Whether there is such a key. */
export const has = (key) => key in texts.en;

/** A number in the language's own way. */
export const num = (n) => new Intl.NumberFormat(current === 'zh' ? 'zh-CN' : 'en').format(n);

/** Hours and minutes of a time in ms. */
export const clock = (ms) =>
  new Intl.DateTimeFormat(current === 'zh' ? 'zh-CN' : 'en-GB', { hour: '2-digit', minute: '2-digit' }).format(new Date(ms));

/** A refusal of the server, as a sentence in this language. */
export function why(refusal) {
  const code = refusal?.code ?? 'unknown';
  const reason = refusal?.reason ? `no.${code}.${refusal.reason}` : null;
  if (reason && has(reason)) return t(reason);
  if (has(`no.${code}`)) return t(`no.${code}`);
  return refusal?.message || t('no.unknown');
}

/** Fills all `data-t`, `data-t-label`, `data-t-placeholder`, `data-t-title` under `root`. */
export function applyTexts(root = document) {
  for (const el of root.querySelectorAll('[data-t]')) el.textContent = t(el.dataset.t);
  for (const el of root.querySelectorAll('[data-t-label]')) el.setAttribute('aria-label', t(el.dataset.tLabel));
  for (const el of root.querySelectorAll('[data-t-title]')) el.setAttribute('title', t(el.dataset.tTitle));
  for (const el of root.querySelectorAll('[data-t-placeholder]')) el.setAttribute('placeholder', t(el.dataset.tPlaceholder));
}

/** Calls `fn` after each change of the language. Returns how to stop that. */
export function onLang(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** Changes the language, remembers it, and has the page written anew. */
export function setLang(which) {
  current = which in texts ? which : 'en';
  try {
    localStorage.setItem('bc.lang', current);
  } catch { /* only for this visit, then */ }
  show();
}

function show() {
  if (typeof document === 'undefined') return;
  document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';
  applyTexts();
  for (const fn of listeners) fn(current);
}

/** Call once at the start of a page, after all texts were added. */
export function startLang() {
  current = choose([stored(), ...(globalThis.navigator?.languages ?? [])].filter(Boolean));
  show();
}
