// The chat: lines by their number, so none comes twice; drawn in batches, so that a busy room stays smooth.

import { byId, fill, h, icon } from '../lib/dom.js';
import { clock, onLang, t, why } from '../lib/i18n.js';
import { word } from '../lib/socket.js';

const MOST_LINES = 300;
const SPEAK_MS = 3000;

/** Puts a line into its place by number. True if it is a new one. */
export function keep(lines, line) {
  const fresh = !lines.has(line.line);
  lines.set(line.line, line);
  return fresh;
}

export function chat(room, over) {
  const log = byId('log');
  const more = byId('new-lines');
  const lines = new Map(); // number -> line
  const drawn = new Map(); // number -> element
  const changed = new Set();
  let spoken = [];
  let frame = 0;
  let unread = 0;
  let atEnd = true;
  const empty = h('li', { class: 'empty' });

  function element(line) {
    const mine = line.viewer && line.viewer === room.you?.viewer;
    const held = line.state === 'held';
    return h('li', { class: ['line', held && 'held'], test: 'line', dataset: { line: String(line.line), state: line.state } },
      line.origin ? h('span', { class: 'badge', title: t('chat.from', { origin: line.origin }) }, line.origin) : null,
      line.role !== 'viewer' && line.role ? h('span', { class: 'badge accent' }, t(`chat.role.${line.role}`)) : null,
      h('bdi', { class: ['who', mine && 'me'], test: 'line-name', title: line.at_ms ? clock(line.at_ms) : '' }, line.name),
      h('bdi', { class: 'text', test: 'line-text' }, line.text),
      held ? h('span', { class: 'word', test: 'line-held' }, t('chat.held')) : null);
  }

  function put(number) {
    const line = lines.get(number);
    const old = drawn.get(number);
    if (!line) {
      old?.remove();
      drawn.delete(number);
      return;
    }
    const el = element(line);
    drawn.set(number, el);
    if (old) return void old.replaceWith(el);
    // Nearly always the last; after a reconnect or an approval perhaps not.
    let next = null;
    for (let at = log.lastElementChild; at; at = at.previousElementSibling) {
      if (Number(at.dataset.line ?? 0) < number) break;
      next = at;
    }
    log.insertBefore(el, next);
  }

  function draw() {
    frame = 0;
    const count = changed.size;
    for (const number of [...changed].sort((a, b) => a - b).slice(-MOST_LINES)) put(number);
    changed.clear();
    for (const number of [...drawn.keys()].sort((a, b) => a - b).slice(0, Math.max(0, drawn.size - MOST_LINES))) {
      drawn.get(number).remove();
      drawn.delete(number);
      lines.delete(number);
    }
    if (drawn.size) empty.remove();
    else log.append(empty);
    if (atEnd) log.scrollTop = log.scrollHeight;
    else if (count) showMore();
  }
  const soon = (number) => {
    changed.add(number);
    // Frames do not come to a hidden page.
    frame ||= document.hidden ? setTimeout(draw, 250) : requestAnimationFrame(draw);
  };
  function showMore() {
    more.hidden = atEnd || !unread;
    more.textContent = t('chat.new', { n: unread });
  }
  const toEnd = () => {
    atEnd = true;
    unread = 0;
    log.scrollTop = log.scrollHeight;
    showMore();
  };
  log.addEventListener('scroll', () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (atEnd) unread = 0;
    showMore();
  }, { passive: true });
  more.addEventListener('click', toEnd);
  new ResizeObserver(() => { if (atEnd) log.scrollTop = log.scrollHeight; }).observe(log);

  function take(line, history = false) {
    const before = lines.get(line.line);
    const fresh = keep(lines, line);
    soon(line.line);
    if (history || line.state !== 'shown' || (before && before.state === 'shown')) return;
    if (fresh && !atEnd) unread += 1;
    if (line.viewer !== room.you?.viewer) spoken.push(`${line.name}: ${line.text}`);
    if (!line.danmaku && !room.now.panic) over.line(line.text, line.viewer === room.you?.viewer);
  }
  room.on('hello', (m) => m.lines.forEach((line) => take(line, true)));
  room.on('line', (m) => take(m.line));
  room.on('held', (m) => { if (m.line.viewer === room.you?.viewer) take(m.line); });
  room.on('line-gone', (m) => {
    lines.delete(m.line);
    soon(m.line);
  });
  setInterval(() => {
    // A screen reader hears the last few, not a flood.
    if (!spoken.length) return;
    byId('spoken').textContent = spoken.slice(-3).join('. ');
    spoken = [];
  }, SPEAK_MS);
  const all = () => {
    empty.textContent = t(room.now.panic ? 'panic' : 'chat.empty');
    for (const number of lines.keys()) soon(number);
    frame ||= requestAnimationFrame(draw);
    showMore();
  };
  onLang(all);
  let panic = false;
  room.on('room', (now) => {
    if (Boolean(now.panic) === panic) return;
    panic = Boolean(now.panic);
    log.classList.toggle('panicked', panic);
    fill(byId('spoken'), panic ? t('panic') : '');
    all();
  });
  all();
  composer(room, toEnd);
}

function composer(room, toEnd) {
  const form = byId('composer');
  const note = h('p', { class: 'say-note', id: 'say-note', role: 'status', test: 'say-note', hidden: true });
  const input = h('input', {
    class: 'input', id: 'say', test: 'say', maxlength: 500, enterkeyhint: 'send', autocomplete: 'off', 'aria-describedby': 'say-note',
  });
  const send = h('button', { class: 'btn primary square', test: 'send' }, icon('send'));
  fill(form, note, h('div', { class: 'row' }, h('div', { class: 'grow' }, input), send));
  let nonce = null; // stays with a text until it is taken, however often it is sent
  let nonceOf = '';
  let until = 0;
  let sentence = null;
  let busy = false;

  function say(text, bad = false) {
    sentence = text ? { text, bad } : null;
    write();
  }
  function write() {
    const you = room.you;
    const left = Math.ceil((until - Date.now()) / 1000);
    const muted = you && you.muted_until_ms > Date.now() + (room.skew ?? 0);
    let text = sentence?.text ?? '';
    let bad = Boolean(sentence?.bad);
    if (you?.banned) [text, bad] = [t('chat.banned'), true];
    else if (muted) [text, bad] = [t('chat.muted', { time: clock(you.muted_until_ms - (room.skew ?? 0)) }), true];
    else if (left > 0) text = `${text} ${t('chat.retry', { s: left })}`.trim();
    else if (!text && room.now.slow_s) text = t('chat.slow', { s: room.now.slow_s });
    if (note.textContent !== text) note.textContent = text;
    note.hidden = !text;
    note.classList.toggle('bad', bad);
    input.disabled = Boolean(you?.banned || muted);
    send.disabled = input.disabled || left > 0 || busy;
  }
  setInterval(() => { if (until || room.you?.muted_until_ms) { if (until && until < Date.now()) { until = 0; say(null); } write(); } }, 500);

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || busy || send.disabled) return;
    if (text !== nonceOf) [nonce, nonceOf] = [word(), text];
    busy = true;
    say(null);
    try {
      await room.act({ do: 'say', text, nonce });
      if (input.value.trim() === text) input.value = '';
      nonceOf = '';
      until = 0;
      toEnd();
    } catch (e) {
      // The text stays where it is.
      if (e.code !== 'cancelled') {
        until = e.retry_after_ms ? Date.now() + e.retry_after_ms : 0;
        say(why(e), true);
      }
    } finally {
      busy = false;
      write();
      input.focus();
    }
  });
  input.addEventListener('input', () => { if (sentence && !until) say(null); });
  const words = () => {
    input.placeholder = t('chat.say');
    input.setAttribute('aria-label', t('chat.label'));
    send.setAttribute('aria-label', t('chat.send'));
    write();
  };
  words();
  onLang(words);
  room.on('you', write);
  room.on('room', write);
}
