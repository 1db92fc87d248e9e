// Elements are only ever built here: text becomes text nodes, handlers are functions, addresses are checked. Nothing parses HTML.

const SAFE_URL = /^(https?:\/\/|\/(?!\/)|#|\.\.?\/)/i;
const SVG = 'http://www.w3.org/2000/svg';
const BANNED = new Set(['innerhtml', 'outerhtml', 'srcdoc', 'style-text']);

/** An address that may be followed, or '#'. `blob:` is allowed only where the caller made it. */
export function safeUrl(url) {
  const text = String(url ?? '').trim();
  return SAFE_URL.test(text) ? text : '#';
}

function setOne(el, key, value) {
  const name = key.toLowerCase();
  if (BANNED.has(name)) throw new Error(`not allowed: ${key}`);
  if (name.startsWith('on')) {
    if (typeof value !== 'function') throw new Error(`not a function: ${key}`);
    el.addEventListener(name.slice(2), value);
  } else if (key === 'class') {
    el.setAttribute('class', Array.isArray(value) ? value.filter(Boolean).join(' ') : value);
  } else if (key === 'test') {
    el.dataset.test = value;
  } else if (key === 'dataset') {
    Object.assign(el.dataset, value);
  } else if (key === 'style') {
    // Through the CSSOM: the CSP forbids style attributes.
    for (const [k, v] of Object.entries(value)) {
      if (k.startsWith('--')) el.style.setProperty(k, v);
      else el.style[k] = v;
    }
  } else if (name === 'href' || name === 'src' || name === 'action' || name === 'formaction') {
    el.setAttribute(key, safeUrl(value));
  } else if (key === 'value' || key === 'checked' || key === 'disabled' || key === 'hidden' || key === 'selected') {
    el[key] = value;
  } else if (value === true) {
    el.setAttribute(key, '');
  } else {
    el.setAttribute(key, String(value));
  }
}

function setProps(el, props) {
  if (!props) return;
  for (const [key, value] of Object.entries(props)) {
    const off = value === undefined || value === null || (value === false && !key.startsWith('aria-'));
    if (off && !(key in { value: 1, checked: 1, disabled: 1, hidden: 1 } && value === false)) continue;
    setOne(el, key, value);
  }
}

function append(el, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) child.forEach((one) => append(el, one));
  else el.append(child instanceof Node ? child : document.createTextNode(String(child)));
}

/**
 * Builds an element: `h('button', {class: 'btn', test: 'send', onclick: fn}, 'Send')`.
 * `test` becomes `data-test`, `style` is an object, `on…` are functions; children are nodes, text, or lists of them.
 */
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  append(el, children);
  setProps(el, props);
  return el;
}

/** The same for SVG. */
export function s(tag, props, ...children) {
  const el = document.createElementNS(SVG, tag);
  append(el, children);
  setProps(el, props);
  return el;
}

/** Puts these children in place of the ones before. */
export function fill(el, ...children) {
  el.replaceChildren();
  append(el, children);
  return el;
}

/** The element with this id, which the page has. */
export const byId = (id) => document.getElementById(id);

const ICONS = {
  heart: 'M12 20.5 4.6 13a4.9 4.9 0 0 1 7-6.9l.4.4.4-.4a4.9 4.9 0 0 1 7 6.9Z',
  send: 'M4 12 20 4l-5 16-3.5-6.5Z',
  gift: 'M4 11h16v9H4Zm-1-4h18v4H3Zm9 0v13M12 7c-2 0-4.5-.6-4.5-2.5S9.600 2.500 12 7c2.400-4.500 4.500-4.400 4.500-2.500S14 7 12 7',
  bag: 'M5 8h14l1 12H4ZM9 8V6a3 3 0 0 1 6 0v2',
  poll: 'M5 20V11M12 20V4M19 20v-6',
  ask: 'M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.800v.2M3 12a9 9 0 1 1 4 7.500L3 21l1-4A9 9 0 0 1 3 12',
  chat: 'M4 5h16v11H9l-5 4Z',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.500 20.500c.5-4 3.500-6 7.500-6s7 2 7.500 6',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
  full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  sound: 'M4 9v6h4l5 4V5L8 9ZM16.500 8.500a5 5 0 0 1 0 7M19 6a8.500 8.500 0 0 1 0 12',
  mute: 'M4 9v6h4l5 4V5L8 9ZM17 9.500l4.500 5M21.500 9.500l-4.500 5',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  chevron: 'M6 15l6-6 6 6',
  up: 'M12 19V6M6 11l6-6 6 6',
  close: 'M6 6l12 12M18 6 6 18',
  menu: 'M4 7h16M4 12h16M4 17h16',
  star: 'M12 3.500l2.600 5.500 6 .8-4.400 4.200 1.100 6L12 17l-5.300 3 1.100-6L3.400 9.800l6-.8Z',
  fly: 'M3 7h11M7 12h14M5 17h9',
  check: 'M5 12.500l4.500 4.500L19 7',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.500 1h-15ZM10 20.500h4',
};

/** A line icon of the set; decoration only, so hidden from screen readers. */
export function icon(name) {
  return s('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' },
    s('path', { d: ICONS[name] ?? ICONS.menu }));
}
