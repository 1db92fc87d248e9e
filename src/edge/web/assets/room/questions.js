// Questions: asked here, ranked by the box; those that were on the screen are told to it, for the ranking.

import { byId, fill, h, icon } from '../lib/dom.js';
import { onLang, t, why } from '../lib/i18n.js';
import { word } from '../lib/socket.js';
import { toast } from '../lib/toast.js';

const SEEN_MS = 800;

export function questions(room) {
  const panel = byId('panel-questions');
  const list = h('ul', { class: 'list', test: 'questions' });
  const input = h('textarea', { class: 'input', rows: 2, maxlength: 300, id: 'question-text', test: 'question-text' });
  const button = h('button', { class: 'btn primary', test: 'ask' });
  const note = h('p', { class: 'small muted', role: 'status', test: 'ask-note' });
  const form = h('form', { class: 'ask', onsubmit: ask }, input, h('div', { class: 'row apart' }, note, button));
  fill(panel, form, list);
  const own = new Map(); // own ones that only the author sees yet
  const told = new Set();
  let nonce = word();
  let nonceOf = '';

  async function ask(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    if (text !== nonceOf) [nonce, nonceOf] = [word(), text];
    button.disabled = true;
    try {
      const done = await room.act({ do: 'ask', text, nonce });
      if (done.id) own.set(done.id, { question: done.id, name: room.you.name, viewer: room.you.viewer, text, state: 'pending', votes: 0 });
      input.value = '';
      nonceOf = '';
      note.textContent = t('ask.sent');
      write();
    } catch (e) {
      if (e.code !== 'cancelled') {
        const s = Math.ceil((e.retry_after_ms ?? 0) / 1000);
        note.textContent = `${why(e)} ${s ? t('chat.retry', { s }) : ''}`;
      }
    }
    button.disabled = false;
  }

  async function vote(question, on) {
    try {
      await room.act({ do: 'up-vote', question, on });
      const ups = new Set(room.you.up_voted);
      if (on) ups.add(question);
      else ups.delete(question);
      room.you.up_voted = [...ups];
    } catch (e) {
      if (e.code !== 'cancelled') toast(why(e), 'bad');
    }
    write();
  }

  function element(q) {
    const on = room.you?.up_voted?.includes(q.question) ?? false;
    const can = q.state === 'live' || q.state === 'on-screen';
    return h('li', { class: ['question', q.state === 'answered' && 'done'], test: 'question', dataset: { question: String(q.question), state: q.state } },
      h('button', {
        class: 'btn up', type: 'button', test: 'up-vote', 'aria-pressed': String(on), disabled: !can,
        'aria-label': `${t('ask.up')}, ${t('ask.votes', { n: q.votes })}: ${q.text}`, onclick: () => vote(q.question, !on),
      }, icon('up'), h('span', { test: 'votes' }, q.votes)),
      h('div', { class: 'grow' },
        h('p', { class: 'q-text', test: 'question-line' }, h('bdi', null, q.text)),
        h('p', { class: 'small muted' }, t('ask.by', { name: q.name }), q.origin ? ` · ${t('chat.from', { origin: q.origin })}` : ''),
        q.state === 'live' ? null : h('p', null, h('span', { class: ['badge', q.state === 'on-screen' && 'live', q.state === 'answered' && 'good'] }, t(`ask.state.${q.state}`)))));
  }

  function write() {
    const all = room.now.questions ?? [];
    for (const q of all) own.delete(q.question);
    const focused = document.activeElement?.closest?.('[data-question]')?.dataset.question;
    const shown = [...own.values(), ...all];
    fill(list, shown.length ? shown.map(element) : h('li', { class: 'empty' }, t('ask.empty')));
    if (focused) list.querySelector(`[data-question="${focused}"] button`)?.focus();
    room.tabs.count('questions', all.filter((q) => q.state !== 'answered').length);
    setTimeout(see, SEEN_MS);
  }

  function see() {
    if (!room.tabs.isOpen('questions') || document.hidden || !room.socket?.open) return;
    const frame = panel.getBoundingClientRect();
    const fresh = [...list.querySelectorAll('[data-question]')].filter((el) => {
      const at = el.getBoundingClientRect();
      return at.top < frame.bottom && at.bottom > frame.top;
    }).map((el) => Number(el.dataset.question)).filter((q) => !told.has(q) && !own.has(q)).slice(0, 50);
    if (!fresh.length) return;
    fresh.forEach((q) => told.add(q));
    room.socket.act({ do: 'seen', questions: fresh }).catch(() => fresh.forEach((q) => told.delete(q)));
  }
  panel.addEventListener('scroll', () => {
    clearTimeout(see.timer);
    see.timer = setTimeout(see, SEEN_MS);
  }, { passive: true });
  room.tabs.onShow('questions', () => setTimeout(see, SEEN_MS));
  room.on('questions', write);
  room.on('you', write);
  const words = () => {
    button.textContent = t('ask.send');
    input.placeholder = t('ask.placeholder');
    input.setAttribute('aria-label', t('ask.label'));
    list.setAttribute('aria-label', t('ask.list'));
    write();
  };
  words();
  onLang(words);
}
