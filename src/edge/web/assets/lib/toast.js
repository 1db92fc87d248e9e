// Short messages at the edge of the page, read out politely. One element, made on first use.

import { h } from './dom.js';

let place = null;

/** Shows a sentence for a while. `kind`: `good`, `bad` or nothing. */
export function toast(text, kind = '', ms = 5000) {
  if (!place) {
    place = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite', test: 'toasts' });
    document.body.append(place);
  }
  const one = h('p', { class: `toast ${kind}`, test: 'toast' }, text);
  place.append(one);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => one.remove(), ms);
}
