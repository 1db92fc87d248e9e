// The tabs at the side: chat, questions, products, draws. Arrow keys move between them, as ARIA asks.

import { byId, fill, h } from '../lib/dom.js';
import { num, onLang, t } from '../lib/i18n.js';

const ALL = ['chat', 'questions', 'products', 'draws'];

export function tabs() {
  const bar = byId('tabs');
  const counts = {};
  const listeners = new Map();
  let open = 'chat';
  const buttons = Object.fromEntries(ALL.map((name) => [name, h('button', {
    class: 'tab', type: 'button', role: 'tab', id: `tab-${name}`, test: `tab-${name}`, 'aria-controls': `panel-${name}`, onclick: () => show(name),
  })]));

  function write() {
    for (const name of ALL) {
      fill(buttons[name], t(`tab.${name}`), counts[name] ? h('span', { class: 'badge' }, num(counts[name])) : null);
    }
  }
  function show(name) {
    open = name;
    for (const one of ALL) {
      const on = one === name;
      buttons[one].setAttribute('aria-selected', String(on));
      buttons[one].tabIndex = on ? 0 : -1;
      byId(`panel-${one}`).hidden = !on;
    }
    listeners.get(name)?.();
  }
  bar.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = step ? (ALL.indexOf(open) + step + ALL.length) % ALL.length : { Home: 0, End: ALL.length - 1 }[event.key];
    if (at === undefined) return;
    event.preventDefault();
    show(ALL[at]);
    buttons[ALL[at]].focus();
  });
  fill(bar, Object.values(buttons));
  write();
  show('chat');
  onLang(write);
  return {
    show,
    isOpen: (name) => open === name,
    onShow: (name, fn) => listeners.set(name, fn),
    count(name, n) {
      if (counts[name] === n) return;
      counts[name] = n;
      write();
    },
  };
}
