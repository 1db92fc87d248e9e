// Products: the pinned one on a card, all of them in the list. The way to the shop goes through the box, which counts it.

import { byId, fill, h } from '../lib/dom.js';
import { onLang, t } from '../lib/i18n.js';

function goods(p, pinned) {
  const out = p.stock === 0;
  const few = typeof p.stock === 'number' && p.stock > 0;
  return h('div', { class: 'goods', test: 'product', dataset: { product: String(p.product) } },
    h('div', { class: 'what' },
      pinned ? h('p', { class: 'small muted' }, t('product.pinned')) : null,
      h('p', { class: 'name' }, h('bdi', { test: 'product-name' }, p.name),
        out ? h('span', { class: 'badge bad', test: 'stock' }, t('product.out')) : null,
        few ? h('span', { class: ['badge', p.stock <= 5 ? 'warn' : ''], test: 'stock' }, t('product.stock', { n: p.stock })) : null),
      h('p', null,
        h('span', { class: 'price', test: 'price' }, h('span', { class: 'sr-only' }, p.old_price ? t('product.now', { price: '' }) : ''), p.price),
        p.old_price ? h('span', { class: 'price-old' }, h('span', { class: 'sr-only' }, t('product.old', { price: '' })), h('s', { test: 'old-price' }, p.old_price)) : null)),
    p.link && p.pin ? h('a', {
      class: 'btn primary', href: `/r/${Number(p.pin)}`, rel: 'noopener', target: '_blank', test: 'product-link',
      'aria-label': t('product.go.label', { name: p.name }),
    }, t('product.go')) : null);
}

export function products(room) {
  const card = byId('pinned');
  const panel = byId('panel-products');
  let known = null;
  function write() {
    const all = room.now.products ?? [];
    const pinned = all.find((p) => p.pin);
    // A press under way must not lose its link to a list that says the same again.
    const key = JSON.stringify([document.documentElement.lang, all]);
    if (key === known) return;
    known = key;
    card.hidden = !pinned;
    fill(card, pinned ? goods(pinned, true) : null);
    fill(panel, all.length
      ? h('ul', { class: 'list', 'aria-label': t('product.list'), test: 'products' }, all.map((p) => h('li', null, goods(p, false))))
      : h('p', { class: 'empty' }, t('product.empty')));
    room.tabs.count('products', all.length);
  }
  room.on('products', write);
  onLang(write);
  write();
}
