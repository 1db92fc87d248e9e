// The viewers' page: the picture first, then the room, whose parts each keep their own corner of the page.

import { byId, fill, icon } from '../lib/dom.js';
import { num, onLang, startLang, t } from '../lib/i18n.js';
import { Socket } from '../lib/socket.js';
import { chat } from './chat.js';
import { draws } from './draws.js';
import { fly } from './fly.js';
import { give } from './give.js';
import { identity } from './name.js';
import { menu } from './menu.js';
import { poll } from './poll.js';
import { products } from './products.js';
import { questions } from './questions.js';
import { stage } from './stage.js';
import { tabs } from './tabs.js';

startLang();

const over = fly();
const player = stage(over);
const figures = { lines: 0, helloMs: null };
Object.defineProperty(window, 'boothcast', {
  value: Object.freeze({
    get player() { return player.figures; },
    get room() { return Object.freeze({ ...figures }); },
  }),
});

const room = { you: null, now: {}, socket: null, listeners: new Map() };

/** Calls `fn` when a part of the room changes; the name is that of a message, and `hello`, `you`. */
room.on = (type, fn) => {
  if (!room.listeners.has(type)) room.listeners.set(type, []);
  room.listeners.get(type).push(fn);
};
room.tell = (type, value) => {
  for (const fn of room.listeners.get(type) ?? []) fn(value);
};

const who = identity(room);
room.act = (wish) => who.named(wish).then(() => room.socket.act(wish));

room.tabs = tabs();
chat(room, over);
give(room, over);
poll(room);
questions(room);
products(room);
draws(room);
menu(room, who);
head();
connect();

function connect() {
  const socket = new Socket('/api/ws', { before: (attempt) => who.come(attempt) });
  room.socket = socket;
  const keep = (type, field = type) => socket.on(type, (m) => {
    room.now[field] = m[field];
    room.tell(field, m[field]);
  });
  socket.on('hello', (m) => {
    figures.helloMs ??= Math.round(performance.now());
    room.you = m.you;
    room.now = { ...m.room };
    room.skew = (m.now_ms ?? Date.now()) - Date.now();
    room.tell('hello', m);
    room.tell('you', m.you);
    for (const part of ['poll', 'questions', 'products', 'draws', 'announcement']) room.tell(part, room.now[part]);
    room.tell('count', room.now);
    room.tell('room', room.now);
  });
  socket.on('you', (m) => {
    room.you = m.you;
    room.tell('you', m.you);
  });
  for (const part of ['poll', 'questions', 'products', 'draws']) keep(part);
  socket.on('announcement', (m) => {
    room.now.announcement = m.text;
    room.tell('announcement', m.text);
  });
  socket.on('count', ({ viewers, likes }) => {
    Object.assign(room.now, { viewers, likes });
    room.tell('count', room.now);
  });
  socket.on('room', ({ danmaku, slow_s, panic, show, title }) => {
    Object.assign(room.now, { danmaku, slow_s, panic, show, title });
    room.tell('room', room.now);
  });
  for (const type of ['line', 'held', 'line-gone', 'gift']) {
    socket.on(type, (m) => {
      if (type === 'line') figures.lines += 1;
      room.tell(type, m);
    });
  }
  let timer = null;
  socket.on('state', ({ state }) => {
    clearTimeout(timer);
    const link = byId('link');
    if (state === 'open') {
      link.hidden = true;
    } else {
      // A short break is not worth a word.
      timer = setTimeout(() => {
        link.textContent = t(state === 'waiting' || figures.helloMs ? 'link.waiting' : 'link.connecting');
        link.hidden = false;
      }, 1500);
    }
  });
}

function head() {
  const viewers = byId('viewers');
  const badge = byId('onair');
  const count = () => {
    if (room.now.viewers === undefined) return;
    const text = t('viewers', { n: room.now.viewers });
    fill(viewers, icon('eye'), num(room.now.viewers));
    viewers.setAttribute('aria-label', text);
    viewers.setAttribute('role', 'img');
    viewers.title = text;
  };
  const title = () => {
    const text = room.now.title || t('app.name');
    byId('title').textContent = text;
    document.title = text;
    const live = Boolean(room.now.show);
    badge.dataset.t = live ? 'player.live' : 'player.off';
    badge.textContent = t(badge.dataset.t);
    badge.classList.toggle('live', live);
  };
  const announce = (text) => {
    const box = byId('announcement');
    const same = box.dataset.text === (text ?? '');
    if (same && !box.hidden) return;
    box.dataset.text = text ?? '';
    fill(box, text ? [icon('bell'), Object.assign(document.createElement('p'), { textContent: text })] : null);
    box.hidden = !text;
  };
  room.on('count', count);
  room.on('room', title);
  room.on('announcement', announce);
  onLang(() => {
    count();
    title();
  });
}
