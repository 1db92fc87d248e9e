// Who the viewer is: watching is silent and nameless; the first thing that others see asks for a name.

import { get, post } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { t, why } from '../lib/i18n.js';
import { Refusal } from '../lib/socket.js';

const NEED = new Set(['say', 'vote', 'ask', 'up-vote', 'give', 'enter']);
const GUEST = /^(Guest|访客) \d{4}$/;

/** Whether this is a name that the page gave, not its owner. */
export const isGuest = (name) => !name || GUEST.test(name);

export function identity(room) {
  const dialog = h('dialog', { class: 'dialog', test: 'name-dialog', 'aria-labelledby': 'name-title' });
  document.body.append(dialog);
  let asking = null;

  /** Sees to it that the box knows this browser: before the first connection, and after some that failed. */
  async function come(attempt) {
    if (attempt > 0 && attempt % 3 !== 1) return;
    const me = await get('/api/me').catch((e) => {
      if (e.code === 'offline') throw e;
      return null;
    });
    if (me?.viewer || me?.account) return;
    await post('/api/join', { name: `${t('name.guest')} ${1000 + Math.floor(Math.random() * 9000)}` });
  }

  function ask() {
    if (asking) return asking;
    const current = isGuest(room.you?.name) ? '' : room.you.name;
    const error = h('p', { class: 'error', role: 'alert', test: 'name-error' });
    const input = h('input', {
      class: 'input', id: 'name', test: 'name', name: 'nickname', maxlength: 24, required: true, autocomplete: 'nickname', value: current,
      enterkeyhint: 'done',
    });
    const button = h('button', { class: 'btn primary', test: 'join' }, t(current ? 'app.save' : 'name.join'));
    asking = new Promise((resolve, reject) => {
      const end = (fn, value) => {
        asking = null;
        dialog.onclose = null;
        dialog.close();
        fn(value);
      };
      const form = h('form', {
        class: 'stack',
        onsubmit: async (event) => {
          event.preventDefault();
          const name = input.value.trim();
          if (!name) return input.focus();
          button.disabled = true;
          try {
            await room.socket.act({ do: 'rename', name });
            room.you = { ...room.you, name };
            room.tell('you', room.you);
            end(resolve);
          } catch (e) {
            error.textContent = why(e);
            input.setAttribute('aria-invalid', 'true');
            input.focus();
          } finally {
            button.disabled = false;
          }
          return undefined;
        },
      },
      h('h2', { id: 'name-title' }, t(current ? 'name.change' : 'name.title')),
      h('p', { class: 'muted' }, t('name.why')),
      h('div', { class: 'field' }, h('label', { for: 'name' }, t('name.label')), input, error),
      h('div', { class: 'row' },
        h('button', { class: 'btn quiet', type: 'button', test: 'name-cancel', onclick: () => dialog.close() }, t('app.cancel')),
        button));
      fill(dialog, form);
      dialog.onclose = () => end(reject, new Refusal({ code: 'cancelled' }));
      dialog.showModal();
      input.focus();
    });
    return asking;
  }

  return {
    come,
    ask,
    /** Resolves at once unless the wish shows a name and there is none. */
    named: (wish) => (NEED.has(wish.do) && isGuest(room.you?.name) ? ask() : Promise.resolve()),
  };
}
