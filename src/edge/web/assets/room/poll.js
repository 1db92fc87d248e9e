// The poll card: choices are radio buttons; bars come with the counts.

import { byId, fill, h, icon } from '../lib/dom.js';
import { onLang, t, why } from '../lib/i18n.js';
import { toast } from '../lib/toast.js';

/** Whole percent of each choice; they need not sum to 100. */
export function shares(counts) {
  const sum = counts.reduce((a, b) => a + b, 0);
  return counts.map((n) => (sum ? Math.round((n * 100) / sum) : 0));
}

/** What came of a closed poll, as a key and its words. */
export function outcome(poll) {
  if (!poll.winners?.length) return ['poll.none', {}];
  const names = poll.winners.map((i) => `“${poll.choices[i]}”`);
  if (names.length === 1) return ['poll.winner', { a: poll.choices[poll.winners[0]] }];
  return ['poll.tie', { names }];
}

export function poll(room) {
  const card = byId('poll');
  let built = null; // what the card stands for
  let parts = null;
  let open = true;
  let mine = null;
  let wishing = null;

  async function vote(choice) {
    const { poll: number } = room.now.poll;
    wishing = choice;
    update();
    try {
      await room.act({ do: 'vote', poll: number, choice });
      if (room.now.poll?.poll === number) mine = choice;
      if (room.you) room.you.vote = choice;
    } catch (e) {
      if (e.code !== 'cancelled') toast(why(e), 'bad');
    }
    wishing = null;
    update();
  }

  function build(p) {
    const head = h('button', {
      class: 'card-head', type: 'button', 'aria-expanded': String(open), 'aria-controls': 'poll-body', test: 'poll-toggle',
      onclick: () => {
        open = !open;
        head.setAttribute('aria-expanded', String(open));
        parts.body.hidden = !open;
      },
    }, icon('poll'), h('span', { class: 'grow', id: 'poll-title', test: 'poll-question' }, p.question),
    h('span', { class: 'icon turn', 'aria-hidden': 'true' }, icon('chevron')));
    const choices = p.choices.map((text, i) => {
      const amount = h('span', { class: 'amount' });
      const share = h('span', { class: 'share', test: `poll-share-${i}` });
      const tick = h('span');
      const el = h('button', {
        class: 'choice', type: 'button', role: 'radio', 'aria-checked': 'false', test: `poll-choice-${i}`, onclick: () => vote(i), onkeydown: (event) => move(event, i),
      }, amount, tick, h('span', { class: 'choice-text' }, text), share);
      return { el, amount, share, tick };
    });
    const foot = h('p', { class: 'foot', role: 'status', test: 'poll-foot' });
    const group = h('div', { class: 'choices', role: 'radiogroup', 'aria-labelledby': 'poll-title' }, choices.map((c) => c.el));
    const body = h('div', { id: 'poll-body', hidden: !open }, group, foot);
    parts = { head, choices, foot, body };
    fill(card, head, body);
  }
  function move(event, i) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const n = parts.choices.length;
    parts.choices[(i + step + n) % n].el.focus();
  }

  function update() {
    const p = room.now.poll;
    card.hidden = !p;
    if (!p) {
      built = null;
      return;
    }
    const key = JSON.stringify([p.poll, p.question, p.choices]);
    if (key !== built) {
      if (built !== null || mine === null) mine = room.you?.vote ?? null;
      open = true;
      built = key;
      build(p);
    }
    const percent = p.counts ? shares(p.counts) : null;
    const chosen = wishing ?? mine;
    p.choices.forEach((_, i) => {
      const { el, amount, share, tick } = parts.choices[i];
      const won = !p.open && p.winners?.includes(i);
      el.disabled = !p.open;
      el.setAttribute('aria-checked', String(chosen === i));
      fill(tick, chosen === i ? icon('check') : won ? icon('star') : null);
      amount.style.width = percent ? `${percent[i]}%` : '0';
      share.textContent = percent ? `${t('poll.share', { p: percent[i] })} · ${t('poll.votes', { n: p.counts[i] })}` : '';
    });
    let text;
    if (p.open) text = t(chosen === null ? 'poll.open' : 'poll.voted') + (p.counts ? '' : ` ${t('poll.hidden')}`);
    else {
      const [name, vars] = outcome(p);
      const joined = vars.names ? [vars.names.slice(0, -1).join(', '), vars.names.at(-1)].filter(Boolean).join(t('poll.and')) : '';
      text = `${t('poll.closed')} ${t(name, { ...vars, list: joined })}`;
    }
    text += ` ${t('poll.total', { n: p.votes })}`;
    if (parts.foot.textContent !== text) parts.foot.textContent = text;
  }
  room.on('poll', update);
  room.on('you', (you) => {
    // The server's word on the vote, as after `!1` in the chat.
    mine = you.vote ?? null;
    update();
  });
  onLang(update);
}
