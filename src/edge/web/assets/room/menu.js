// The small menu: name, language, the desk for staff, and what the box keeps of the viewer.

import { del } from '../lib/api.js';
import { byId, fill, h, icon } from '../lib/dom.js';
import { lang, onLang, setLang, t, why } from '../lib/i18n.js';
import { toast } from '../lib/toast.js';
import { isGuest } from './name.js';

const KEEP_DAYS = 30;

export function menu(room, who) {
  const button = byId('menu-button');
  const box = byId('menu');
  fill(button, icon('menu'));
  byId('lang').addEventListener('click', () => setLang(lang() === 'zh' ? 'en' : 'zh'));

  const close = (back) => {
    box.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (back) button.focus();
  };
  const choice = (test, sign, text, fn) =>
    h('button', { class: 'btn quiet', type: 'button', test, onclick: () => { close(); fn(); } }, icon(sign), text);

  function write() {
    const named = !isGuest(room.you?.name);
    const staff = room.you && room.you.role !== 'viewer';
    fill(box,
      named ? h('p', { class: 'muted small', style: { padding: '8px 16px' }, test: 'you' }, t('name.you', { name: room.you.name })) : null,
      choice('me', 'user', t(named ? 'name.change' : 'name.title'), () => who.ask().catch(() => {})),
      choice('your-data', 'check', t('data.title'), data),
      staff ? h('a', { class: 'btn quiet', href: '/desk', test: 'desk-link' }, icon('star'), t('app.desk')) : null);
  }
  button.addEventListener('click', () => {
    if (!box.hidden) return close(true);
    write();
    box.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    box.querySelector('button')?.focus();
    return undefined;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !box.hidden) close(true);
  });
  document.addEventListener('pointerdown', (event) => {
    if (!box.hidden && !box.contains(event.target) && !button.contains(event.target)) close();
  });
  onLang(write);
  room.on('you', write);
}

function data() {
  const dialog = h('dialog', { class: 'dialog', test: 'data-dialog', 'aria-labelledby': 'data-title', onclose: () => dialog.remove() });
  const erase = async (event) => {
    event.target.disabled = true;
    try {
      await del('/api/me/data');
      toast(t('data.erased'), 'good');
      setTimeout(() => location.reload(), 1200);
    } catch (e) {
      toast(t('data.failed', { why: why(e) }), 'bad');
    }
    dialog.close();
  };
  const sure = () => fill(dialog,
    h('h2', { id: 'data-title' }, t('data.title')),
    h('p', null, t('data.erase.sure')),
    h('div', { class: 'row' },
      h('button', { class: 'btn', type: 'button', test: 'data-cancel', onclick: () => dialog.close() }, t('app.cancel')),
      h('button', { class: 'btn danger primary', type: 'button', test: 'data-erase-yes', onclick: erase }, t('data.erase.yes'))));
  fill(dialog,
    h('h2', { id: 'data-title' }, t('data.title')),
    h('p', { class: 'muted' }, t('data.what', { n: KEEP_DAYS })),
    h('div', { class: 'row' },
      h('button', { class: 'btn quiet', type: 'button', test: 'data-close', onclick: () => dialog.close() }, t('app.close')),
      h('button', { class: 'btn danger', type: 'button', test: 'data-erase', onclick: sure }, t('data.erase')),
      h('a', { class: 'btn primary', href: '/api/me/data', download: 'boothcast.json', test: 'data-export' }, t('data.export'))));
  document.body.append(dialog);
  dialog.showModal();
}
