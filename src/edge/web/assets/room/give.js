// Likes and gifts: what the viewer taps shows at once; the box hears of it in batches.

import { byId, fill, h, icon } from '../lib/dom.js';
import { has, num, onLang, t, why } from '../lib/i18n.js';
import { word } from '../lib/socket.js';
import { toast } from '../lib/toast.js';
import { COMBO_MS, Combos, Likes } from './combo.js';

export function give(room, over) {
  const box = byId('give');
  const combos = new Combos(word);
  const likes = new Likes();
  const pending = new Map(); // combo -> {wish, busy}: only the highest count is sent
  const count = h('span', { class: 'num', test: 'likes' }, '0');
  const heart = h('button', { class: 'btn like', type: 'button', test: 'like', onclick: like }, icon('heart'), count);
  let buttons = new Map();
  let known = '';
  let seen = null;

  function like() {
    likes.add();
    over.hearts(1);
    heart.classList.remove('pop');
    void heart.offsetWidth;
    heart.classList.add('pop');
    write();
    flush();
  }
  let limited = 0;
  function flush() {
    if (performance.now() < limited || !room.socket?.open) return;
    const n = likes.take(performance.now());
    if (n) {
      room.act({ do: 'like', n }).catch((e) => {
        // Likes are cheap: those that were too many are let go.
        limited = performance.now() + (e.retry_after_ms ?? 500);
      });
    }
  }
  setInterval(flush, 250);

  function tap(gift) {
    const wish = { do: 'give', ...combos.tap(gift, performance.now()) };
    const waits = pending.get(wish.combo) ?? {};
    waits.wish = wish;
    pending.set(wish.combo, waits);
    times();
    sendGift(wish.combo);
  }
  async function sendGift(combo) {
    const waits = pending.get(combo);
    if (!waits || waits.busy) return;
    waits.busy = true;
    const { wish } = waits;
    try {
      await room.act(wish);
      // Taps while it was under way are told with the next, higher count.
      if (waits.wish === wish) pending.delete(combo);
    } catch (e) {
      if (e.retry_after_ms) await new Promise((go) => { setTimeout(go, Math.min(e.retry_after_ms, 3000)); });
      else {
        pending.delete(combo);
        if (e.code !== 'cancelled') toast(why(e), 'bad');
      }
    }
    waits.busy = false;
    if (pending.has(combo)) setTimeout(() => sendGift(combo), 100);
  }
  function times() {
    const now = combos.current(performance.now());
    for (const [gift, { badge }] of buttons) {
      const on = now?.gift === gift;
      badge.hidden = !on;
      if (on) badge.textContent = `×${now.count}`;
    }
    clearTimeout(times.timer);
    if (now) times.timer = setTimeout(times, COMBO_MS + 50);
  }

  const label = (gift) => t('gift.label', { gift: has(`gift.${gift}`) ? t(`gift.${gift}`) : gift });
  function write() {
    const n = (room.now.likes ?? 0) + likes.waiting;
    count.textContent = num(n);
    heart.setAttribute('aria-label', `${t('like.label')}, ${t('likes', { n })}`);
    for (const [gift, { el }] of buttons) {
      el.setAttribute('aria-label', label(gift));
      el.title = label(gift);
    }
  }
  function list() {
    const gifts = room.now.gifts ?? [];
    const key = JSON.stringify(gifts);
    if (key === known) return;
    known = key;
    buttons = new Map(gifts.map(({ gift, emoji }) => {
      const badge = h('span', { class: 'times', 'aria-hidden': 'true', hidden: true });
      return [gift, { badge, el: h('button', { class: 'btn', type: 'button', test: `gift-${gift}`, onclick: () => tap(gift) }, emoji, badge) }];
    }));
    fill(box, heart, buttons.size ? h('span', { class: 'sep' }) : null, [...buttons.values()].map((b) => b.el));
  }
  fill(box, heart);
  box.setAttribute('role', 'group');
  room.on('hello', () => {
    list();
    write();
  });
  room.on('count', (now) => {
    if (seen !== null && now.likes > seen) over.hearts(Math.min(4, now.likes - seen));
    seen = now.likes ?? seen;
    write();
  });
  room.on('gift', (m) => {
    const sign = room.now.gifts?.find((g) => g.gift === m.gift)?.emoji ?? '🎁';
    over.gift(m, sign);
  });
  const words = () => {
    box.setAttribute('aria-label', t('gift.list'));
    write();
  };
  words();
  onLang(words);
}
