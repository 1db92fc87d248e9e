// What flies over the picture on this screen only: lines, hearts, gifts. The box draws its own on the picture itself, so a line that
// it draws (`danmaku: true`) does not fly here a second time.

import { byId, h, s } from '../lib/dom.js';

const MOST_LINES = 40;
const MOST_HEARTS = 24;

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** The lane that is free first; lanes hold when each is free again. */
export function freeLane(lanes, now) {
  let best = 0;
  for (let i = 0; i < lanes.length; i += 1) {
    if (lanes[i] <= now) return i;
    if (lanes[i] < lanes[best]) best = i;
  }
  return best;
}

export function fly() {
  const box = byId('fly');
  const gifts = byId('gifts-shown');
  const shown = new Map(); // viewer, name and combo -> {el, timer}
  let lanes = [];
  let on = wanted();

  function wanted() {
    let stored = null;
    try {
      stored = localStorage.getItem('bc.danmaku');
    } catch { /* not remembered, then */ }
    return stored === null ? !calm() : stored === 'on';
  }

  function line(text, mine) {
    if (!on || document.hidden || box.childElementCount > MOST_LINES) return;
    const el = h('span', { class: 'fly-line', test: 'danmaku-line' }, text.slice(0, 120));
    if (mine) el.style.textDecoration = 'underline';
    box.append(el);
    const height = el.offsetHeight || 28;
    const count = Math.max(1, Math.floor((box.clientHeight * 0.6) / height));
    if (lanes.length !== count) lanes = Array(count).fill(0);
    const now = performance.now();
    const lane = freeLane(lanes, now);
    const way = box.clientWidth + el.offsetWidth;
    const ms = calm() ? 4000 : 7000 + Math.min(3000, el.offsetWidth * 3);
    lanes[lane] = now + ((el.offsetWidth + 30) / way) * ms;
    el.style.top = `${lane * height + 6}px`;
    if (calm()) {
      el.style.left = '12px';
      setTimeout(() => el.remove(), ms);
    } else {
      el.animate([{ transform: 'none' }, { transform: `translateX(${-way}px)` }], { duration: ms }).onfinish = () => el.remove();
    }
  }

  function hearts(n) {
    if (calm() || document.hidden) return;
    for (let i = 0; i < Math.min(n, 6); i += 1) {
      if (box.querySelectorAll('.fly-heart').length >= MOST_HEARTS) return;
      const el = s('svg', { class: 'fly-heart', viewBox: '0 0 24 24' }, s('path', { d: 'M12 20.5 4.6 13a4.900 4.900 0 0 1 7-6.900l.4.4.4-.4a4.900 4.900 0 0 1 7 6.900Z' }));
      box.append(el);
      const x = (Math.random() - 0.5) * 70;
      el.animate([
        { transform: 'translate(0,0) scale(.5)', opacity: 0 },
        { transform: `translate(${x / 3}px,-40px) scale(1.1)`, opacity: 1, offset: 0.2 },
        { transform: `translate(${x}px,${-120 - Math.random() * 80}px) scale(.9)`, opacity: 0 },
      ], { duration: 1600 + Math.random() * 700, delay: i * 90, easing: 'ease-out', fill: 'backwards' }).onfinish = () => el.remove();
    }
  }

  function gift({ viewer, name, combo, count }, sign) {
    const key = `${viewer}\n${name}\n${combo}`;
    const old = shown.get(key);
    if (old) {
      clearTimeout(old.timer);
      old.count = Math.max(old.count, count);
      old.el.querySelector('.n').textContent = `×${old.count}`;
      old.el.classList.remove('bump');
      void old.el.offsetWidth; // so that the animation begins anew
      old.el.classList.add('bump');
    } else {
      const el = h('div', { class: 'gift-shown', test: 'gift-shown' },
        h('bdi', { class: 'who' }, name), h('span', { class: 'sign' }, sign), h('span', { class: 'n' }, `×${count}`));
      gifts.append(el);
      shown.set(key, { el, count });
      while (gifts.childElementCount > 3) gifts.firstChild.remove();
    }
    const now = shown.get(key);
    now.timer = setTimeout(() => {
      now.el.remove();
      shown.delete(key);
    }, 4500);
  }

  return {
    line,
    hearts,
    gift,
    get on() { return on; },
    set(value) {
      on = value;
      if (!on) box.querySelectorAll('.fly-line').forEach((el) => el.remove());
      try {
        localStorage.setItem('bc.danmaku', on ? 'on' : 'off');
      } catch { /* not remembered, then */ }
    },
  };
}
