// The stage: player, its state in a sentence, sound, full screen, zoom and pan by wheel, fingers, mouse and keys.

import { byId, fill, h, icon } from '../lib/dom.js';
import { onLang, t } from '../lib/i18n.js';
import { Player } from '../lib/player.js';
import { WHOLE, pan, pinch, zoomAt } from '../lib/zoom.js';

const STEP = 1.25;
const MOVE = 0.08;

export function stage(over) {
  const el = byId('stage');
  const video = byId('video');
  const view = byId('view');
  const state = byId('state');
  const sound = byId('sound-on');
  let now = { state: 'connecting', detail: null };
  let zoom = WHOLE;

  const player = new Player(video, {
    onState: (s) => {
      now = s;
      el.dataset.state = s.state;
      write();
    },
  });

  function button(test, sign, key, onclick, extra = {}) {
    return h('button', { class: ['btn square', extra.class], type: 'button', test, onclick, dataset: { tLabel: key, tTitle: key } }, icon(sign));
  }
  const mute = button('mute', 'mute', 'player.unmute', async () => {
    await player.sound(video.muted);
    write();
  });
  const danmaku = button('danmaku-toggle', 'fly', 'player.danmaku', () => {
    over.set(!over.on);
    write();
  });
  const controls = [
    button('zoom-out', 'minus', 'player.zoom.out', () => set(zoomAt(zoom, 1 / STEP)), { class: 'zoom-only' }),
    button('zoom-in', 'plus', 'player.zoom.in', () => set(zoomAt(zoom, STEP)), { class: 'zoom-only' }),
    danmaku, mute, button('fullscreen', 'full', 'player.full', full),
  ];
  fill(byId('controls'), controls);
  sound.addEventListener('click', async () => {
    await player.sound(true);
    write();
  });
  video.addEventListener('volumechange', write);

  function write() {
    const silent = video.muted;
    const playing = now.state === 'playing';
    const text = now.detail === 'unsupported' ? t('player.unsupported') : t(`player.${now.state === 'idle' ? 'offline' : now.state}`);
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle('fine', playing);
    sound.hidden = !(playing && silent);
    fill(sound, icon('sound'), t('player.sound.on'));
    fill(mute, icon(silent ? 'mute' : 'sound'));
    for (const b of controls) {
      b.setAttribute('aria-label', t(b.dataset.tLabel));
      b.title = t(b.dataset.tTitle);
    }
    mute.setAttribute('aria-label', t(silent ? 'player.unmute' : 'player.mute'));
    danmaku.setAttribute('aria-pressed', String(over.on));
  }

  async function full() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (el.requestFullscreen) await el.requestFullscreen().catch(() => {});
    else video.webkitEnterFullscreen?.(); // iPhones know only the video itself
  }

  function set(next) {
    zoom = next;
    const { clientWidth: w, clientHeight: hh } = el;
    view.style.transform = zoom.k === 1 ? '' : `translate(${zoom.x * w}px, ${zoom.y * hh}px) scale(${zoom.k})`;
    el.classList.toggle('zoomed', zoom.k > 1);
    el.dataset.zoom = zoom.k.toFixed(2);
  }
  const part = (event) => {
    const r = el.getBoundingClientRect();
    return { x: (event.clientX - r.left) / r.width, y: (event.clientY - r.top) / r.height };
  };

  el.addEventListener('wheel', (event) => {
    // A page must still be scrollable: at the whole picture only zooming in takes the wheel.
    if (zoom.k === 1 && event.deltaY > 0) return;
    event.preventDefault();
    const p = part(event);
    set(zoomAt(zoom, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), p.x, p.y));
  }, { passive: false });

  const fingers = new Map();
  let lastTap = { at: 0, x: 0, y: 0 };
  el.addEventListener('pointerdown', (event) => {
    if (event.target.closest('button')) return;
    fingers.set(event.pointerId, part(event));
    if (zoom.k > 1 || fingers.size > 1) el.setPointerCapture(event.pointerId);
  });
  el.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = [...fingers.values()];
    fingers.set(event.pointerId, part(event));
    const after = [...fingers.values()];
    if (after.length === 2) set(pinch(zoom, before, after));
    else if (after.length === 1 && zoom.k > 1) set(pan(zoom, after[0].x - before[0].x, after[0].y - before[0].y));
  });
  const lift = (event) => fingers.delete(event.pointerId);
  el.addEventListener('pointercancel', lift);
  el.addEventListener('pointerup', (event) => {
    const alone = fingers.size === 1;
    if (!fingers.delete(event.pointerId) || !alone) return;
    const p = part(event);
    const twice = event.timeStamp - lastTap.at < 320 && Math.hypot(p.x - lastTap.x, p.y - lastTap.y) < 0.08;
    lastTap = twice ? { at: 0, x: 0, y: 0 } : { at: event.timeStamp, ...p };
    if (twice) set(zoom.k > 1 ? WHOLE : zoomAt(zoom, 2.5, p.x, p.y));
  });
  el.addEventListener('touchmove', (event) => {
    if (event.touches.length > 1 || zoom.k > 1) event.preventDefault();
  }, { passive: false });

  el.addEventListener('keydown', (event) => {
    if (event.target !== el || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };
    if (event.key === '+' || event.key === '=') set(zoomAt(zoom, STEP));
    else if (event.key === '-') set(zoomAt(zoom, 1 / STEP));
    else if (event.key === '0' || event.key === 'Home') set(WHOLE);
    else if (event.key === 'f') full();
    else if (event.key === 'm') mute.click();
    else if (moves[event.key] && zoom.k > 1) set(pan(zoom, ...moves[event.key]));
    else return;
    event.preventDefault();
  });
  new ResizeObserver(() => set(zoom)).observe(el);

  // With a mouse the controls go when it rests.
  let rest = null;
  const stir = () => {
    el.classList.remove('quiet');
    clearTimeout(rest);
    rest = setTimeout(() => el.classList.add('quiet'), 2500);
  };
  el.addEventListener('pointermove', stir);
  stir();

  onLang(write);
  write();
  const wish = new URLSearchParams(location.search).get('via');
  player.start(['whep', 'fmp4'].includes(wish) ? wish : null);
  return player;
}
