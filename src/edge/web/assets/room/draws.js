// Draws: take part, see who won, and check it with one's own computer.

import { get } from '../lib/api.js';
import { byId, fill, h, icon } from '../lib/dom.js';
import { onLang, t, why } from '../lib/i18n.js';
import { toast } from '../lib/toast.js';
import { check } from './fair.js';

export function draws(room) {
  const panel = byId('panel-draws');
  const first = new Map(); // draw -> what was told of it first: commitment and digest must not change after
  const results = new Map(); // draw -> what the check found
  const opened = new Set();
  let known = null;

  async function enter(draw, button) {
    button.disabled = true;
    try {
      await room.act({ do: 'enter', draw });
      room.you.entered = [...new Set([...(room.you.entered ?? []), draw])];
    } catch (e) {
      if (e.code !== 'cancelled') toast(why(e), 'bad');
    }
    write();
    button.disabled = false;
  }

  async function prove(draw) {
    results.set(draw, 'busy');
    write();
    try {
      results.set(draw, check(await get(`/api/draws/${draw}`), first.get(draw)));
    } catch (e) {
      console.warn(e);
      results.set(draw, 'failed');
    }
    write();
  }

  function found(result) {
    if (!result) return null;
    if (result === 'busy') return h('p', { role: 'status' }, t('draw.checking'));
    if (result === 'failed') return h('p', { class: 'notice bad', role: 'status', test: 'draw-check-result' }, t('draw.check.failed'));
    const good = Object.values(result).every(Boolean);
    return h('div', { role: 'status', test: 'draw-check-result', dataset: { good: String(good) } },
      h('ul', { class: 'checks' }, Object.entries(result).map(([name, ok]) =>
        h('li', { class: ok ? 'good' : 'bad' }, icon(ok ? 'check' : 'close'), t(`draw.check.${name}`)))),
      h('p', { class: ['notice', good ? 'good' : 'bad'] }, t(good ? 'draw.check.good' : 'draw.check.bad')));
  }

  const hash = (key, value, test) => (value ? [h('dt', null, t(key)), h('dd', { class: 'hash', test }, value)] : null);

  function element(d) {
    const inside = room.you?.entered?.includes(d.draw);
    const won = d.state === 'done' && d.won.some((w) => w.viewer === room.you?.viewer);
    const details = h('details', { test: 'draw-details' }, h('summary', { test: 'draw-how' }, t('draw.how')),
      h('p', { class: 'small' }, t('draw.how.text')),
      h('dl', null, hash('draw.commitment', d.commitment, 'draw-commitment'), hash('draw.digest', d.digest, 'draw-digest'), hash('draw.seed', d.seed, 'draw-seed')),
      d.state === 'done'
        ? h('button', { class: 'btn', type: 'button', test: 'draw-check', disabled: results.get(d.draw) === 'busy', onclick: () => prove(d.draw), style: { marginTop: '12px' } }, icon('check'), t('draw.check'))
        : h('p', { class: 'small muted' }, t('draw.check.wait')),
      found(results.get(d.draw)));
    details.open = opened.has(d.draw);
    details.addEventListener('toggle', () => (details.open ? opened.add(d.draw) : opened.delete(d.draw)));
    return h('li', { class: 'draw', test: 'draw', dataset: { draw: String(d.draw), state: d.state } },
      h('div', { class: 'row apart' }, h('h3', null, h('bdi', { test: 'draw-title' }, d.title)),
        h('span', { class: ['badge', d.state === 'open' ? 'accent' : ''], test: 'draw-state' }, t(`draw.${d.state}`))),
      h('p', { class: 'muted small' }, `${t('draw.winners', { n: d.winners })} · ${t('draw.entries', { n: d.entries })}`),
      d.state === 'open' ? h('button', {
        class: 'btn primary', type: 'button', test: 'draw-enter', disabled: Boolean(inside), onclick: (event) => enter(d.draw, event.currentTarget),
      }, inside ? [icon('check'), t('draw.in')] : t('draw.enter')) : null,
      d.state === 'closed' && inside ? h('p', { class: 'small' }, t('draw.in')) : null,
      won ? h('p', { class: 'notice good', role: 'status', test: 'draw-won' }, t('draw.you')) : null,
      d.state === 'done' ? (d.won.length
        ? [h('p', { class: 'small muted' }, t('draw.won')), h('ol', { class: 'won', test: 'winners' }, d.won.map((w) => h('li', null, h('bdi', null, w.name))))]
        : h('p', { class: 'muted' }, t('draw.nobody'))) : null,
      details);
  }

  function write() {
    const all = room.now.draws ?? [];
    for (const d of all) {
      const before = first.get(d.draw);
      if (!before) first.set(d.draw, { commitment: d.commitment, digest: d.digest });
      else before.digest ??= d.digest;
    }
    const key = JSON.stringify([document.documentElement.lang, all, room.you?.entered, room.you?.viewer, [...results]]);
    if (key === known) return;
    known = key;
    const focused = document.activeElement?.closest?.('[data-draw]') && document.activeElement;
    const where = focused && [focused.closest('[data-draw]').dataset.draw, focused.dataset.test];
    fill(panel, all.length ? h('ul', { class: 'list' }, all.map(element)) : h('p', { class: 'empty' }, t('draw.empty')));
    if (where) panel.querySelector(`[data-draw="${where[0]}"] [data-test="${where[1]}"]`)?.focus();
    room.tabs.count('draws', all.filter((d) => d.state === 'open').length);
  }
  room.on('draws', write);
  room.on('you', write);
  onLang(write);
  write();
}
