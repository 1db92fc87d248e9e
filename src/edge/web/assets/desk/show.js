// The show desk: poll, products, draws, announcement, title.
import { act, offerUndo } from "./act.js";
import { isOwner, state, watch } from "./store.js";
import { button, card, check, confirm, el, field, form, listOf, newId, tell, text } from "./ui.js";
import { say, t } from "./words.js";

function pollCard() {
  const question = el("input", { name: "question", required: true, maxLength: 120, autocomplete: "off", test: "poll-question" });
  const choices = el("div", { class: "choices", test: "poll-choices" });
  const add = (focus) => {
    if (choices.children.length >= 10) return;
    const input = el("input", { required: true, maxLength: 60, autocomplete: "off", test: "poll-choice", label: "desk.poll.choice", place: "desk.poll.choice" });
    const gone = el("button", { type: "button", class: "plain", test: "poll-choice-remove", label: "desk.remove" }, "×");
    const row = el("div", { class: "row" }, input, gone);
    gone.addEventListener("click", () => {
      if (choices.children.length > 2) row.remove();
      else input.value = "";
      more.disabled = choices.children.length >= 10;
    });
    choices.append(row);
    more.disabled = choices.children.length >= 10;
    if (focus) input.focus();
  };
  const more = el("button", { type: "button", test: "poll-choice-add", t: "desk.poll.add", on: { click: () => add(true) } });
  add();
  add();
  const hidden = check("desk.poll.hidden", "poll-hidden");
  const build = form([field("desk.poll.question", question), choices, more, hidden.node], "desk.poll.open", "poll-form", async () => {
    await act({
      do: "poll-open", question: question.value.trim(), hidden: hidden.input.checked,
      choices: [...choices.querySelectorAll("input")].map((i) => i.value.trim()),
    });
    while (choices.children.length > 2) choices.lastElementChild.remove();
    more.disabled = false;
  });
  const asked = el("h3", { test: "poll-now" });
  const bars = listOf("desk.poll.none", "poll-bars");
  const votes = el("p", { class: "soft" });
  const close = button("desk.poll.close", () => act({ do: "poll-close", poll: state.room.poll.poll }), { test: "poll-close", kind: "warn" });
  const gone = button("desk.poll.gone", () => act({ do: "poll-gone", poll: state.room.poll.poll }), { test: "poll-gone" });
  const now = el("div", { class: "now" }, asked, bars.node, votes, el("div", { class: "row" }, close, gone));
  watch(["poll", "room"], () => {
    const poll = state.room?.poll;
    now.hidden = !poll;
    build.hidden = Boolean(poll?.open);
    if (!poll) return;
    text(asked, poll.question);
    close.hidden = !poll.open;
    gone.hidden = poll.open;
    const most = Math.max(1, ...(poll.counts ?? [0]));
    bars.show(poll.choices.map((choice, n) => ({ choice, n })), (c) => `${poll.poll}/${c.n}`, () => {
      const bar = el("span", { class: "bar" });
      const words = el("span", { class: "grow" });
      const count = el("b", {});
      return { node: el("li", { class: "pollbar" }, bar, words, count), bar, words, count };
    }, (entry, { choice, n }) => {
      const votes_ = poll.counts?.[n];
      text(entry.words, choice);
      text(entry.count, votes_ === undefined ? "?" : String(votes_));
      entry.bar.style.width = `${votes_ === undefined ? 0 : Math.round((votes_ / most) * 100)}%`;
      entry.node.classList.toggle("won", poll.winners.includes(n));
    });
    const tied = poll.winners.length > 1;
    say(votes, poll.open ? (poll.hidden ? "desk.poll.votes-hidden" : "desk.poll.votes") : tied ? "desk.poll.tied" : "desk.poll.closed", { n: poll.votes });
  });
  return card("desk.poll", "card-poll", now, build);
}

function productForm(sent, known) {
  const input = (name, props) => el("input", { name, autocomplete: "off", test: `product-${name}`, ...props });
  const name = input("name", { required: true, maxLength: 60 });
  const price = input("price", { required: true, maxLength: 24 });
  const old = input("old", { maxLength: 24 });
  const stock = input("stock", { type: "number", min: "0", step: "1", inputMode: "numeric" });
  const url = input("url", { type: "url", maxLength: 500 });
  url.placeholder = "https://";
  if (known) {
    name.value = known.name;
    price.value = known.price;
    old.value = known.old_price ?? "";
    stock.value = known.stock ?? "";
    url.value = known.url ?? "";
  }
  const parts = [
    field("desk.product.name", name),
    el("div", { class: "two" }, field("desk.product.price", price), field("desk.product.old", old)),
    el("div", { class: "two" }, field("desk.product.stock", stock, "desk.product.stock.hint"),
      field("desk.product.url", url, known?.link && known.url === undefined ? "desk.product.url.kept" : undefined)),
  ];
  return form(parts, known ? "desk.save" : "desk.product.add", known ? "product-edit-form" : "product-form", async () => {
    const wish = { do: "product-set", name: name.value.trim(), price: price.value.trim() };
    if (known) wish.product = known.product;
    if (old.value.trim()) wish.old_price = old.value.trim();
    if (stock.value !== "") wish.stock = Number(stock.value);
    if (url.value.trim()) wish.url = url.value.trim();
    await act(wish);
    sent?.();
  }, { reset: !known });
}

function productMake(first) {
  const entry = { item: first };
  const name = el("b", { class: "grow" });
  const pinned = el("span", { class: "badge good", t: "desk.product.pinned" });
  const price = el("span", {});
  const old = el("s", { class: "soft" });
  const stock = el("span", { class: "soft" });
  const edit = el("div", { hidden: true });
  const pin = button("desk.product.pin", () => act({ do: "pin", product: entry.item.product }), { test: "product-pin", kind: "good" });
  const unpin = button("desk.product.unpin", () => act({ do: "unpin" }), { test: "product-unpin", kind: "warn" });
  const change = button("desk.edit", () => {
    edit.hidden = !edit.hidden;
    if (edit.hidden) return;
    edit.replaceChildren(productForm(() => {
      edit.hidden = true;
      change.focus();
    }, entry.item));
    edit.querySelector("input").focus();
  }, { test: "product-edit" });
  const stockTo = (by) => button(by < 0 ? "desk.product.less" : "desk.product.more", () => {
    const { product, name: called, price: costs, old_price: before, stock: left, url } = entry.item;
    return act({ do: "product-set", product, name: called, price: costs, old_price: before, url, stock: Math.max(0, (left ?? 0) + by) });
  }, { test: by < 0 ? "product-less" : "product-more" });
  const [less, more] = [stockTo(-1), stockTo(1)];
  const gone = button("desk.remove", async () => {
    if (await confirm("desk.product.ask", { name: entry.item.name }, "desk.remove")) await act({ do: "product-remove", product: entry.item.product });
  }, { test: "product-remove", kind: "danger" });
  entry.node = el("li", { class: "line", test: "product" }, el("div", { class: "by" }, name, pinned, price, old, stock),
    el("div", { class: "acts one" }, pin, unpin, less, more, change, gone), edit);
  entry.update = (p) => {
    entry.item = p;
    entry.node.dataset.product = p.product;
    text(name, p.name);
    text(price, p.price);
    text(old, p.old_price);
    if (p.stock === undefined || p.stock === null) text(stock, "");
    else say(stock, "desk.product.left", { n: p.stock });
    stock.hidden = p.stock === undefined || p.stock === null;
    const is = Boolean(p.pin);
    pinned.hidden = !is;
    unpin.hidden = !is;
    pin.hidden = is;
    for (const b of [change, gone]) b.hidden = !isOwner();
    for (const b of [less, more]) b.hidden = !isOwner() || stock.hidden;
  };
  return entry;
}

function productCard() {
  const list = listOf("desk.product.none", "products");
  watch(["products", "room"], () => list.show(state.room?.products ?? [], (p) => p.product, productMake, (e, p) => e.update(p)));
  const add = isOwner() && el("details", {}, el("summary", { t: "desk.product.new", test: "product-new" }), productForm());
  return card("desk.products", "card-products", list.node, add);
}

function drawMake(first) {
  const entry = { item: first };
  const title = el("b", { class: "grow" });
  const where = el("span", { class: "badge" });
  const entries = el("p", { class: "soft" });
  const won = el("p", { class: "won", test: "draw-won" });
  const proof = el("a", { t: "desk.draw.proof", test: "draw-proof", target: "_blank", rel: "noopener" });
  const code = el("p", { class: "mono small" });
  const close = button("desk.draw.close", () => act({ do: "draw-close", draw: entry.item.draw }), { test: "draw-close", kind: "warn" });
  const go = button("desk.draw.do", async () => {
    if (await confirm("desk.draw.ask", { n: entry.item.entries, title: entry.item.title }, "desk.draw.do", { kind: "main" })) await act({ do: "draw-do", draw: entry.item.draw });
  }, { test: "draw-do", kind: "good" });
  entry.node = el("li", { class: "line", test: "draw" }, el("div", { class: "by" }, title, where), entries, won, code,
    el("div", { class: "acts one" }, close, go, proof));
  entry.update = (d) => {
    entry.item = d;
    entry.node.dataset.draw = d.draw;
    text(title, d.title);
    say(where, `desk.draw.is-${d.state}`);
    say(entries, "desk.draw.entries", { n: d.entries, winners: d.winners });
    won.hidden = d.won.length === 0;
    say(won, "desk.draw.won", { names: d.won.map((w) => w.name).join(", ") });
    text(code, `SHA-256 ${d.commitment}`);
    close.hidden = d.state !== "open";
    go.hidden = d.state !== "closed";
    proof.hidden = d.state !== "done";
    proof.href = `/api/draws/${encodeURIComponent(d.draw)}`;
  };
  return entry;
}

function drawCard() {
  const list = listOf("desk.draw.none", "draws");
  watch(["draws", "room"], () => list.show(state.room?.draws ?? [], (d) => d.draw, drawMake, (e, d) => e.update(d)));
  const title = el("input", { name: "title", required: true, maxLength: 80, autocomplete: "off", test: "draw-title" });
  const winners = el("input", { name: "winners", type: "number", min: "1", max: "100", required: true, test: "draw-winners" });
  winners.defaultValue = "1";
  const add = form([field("desk.draw.title", title), field("desk.draw.winners", winners)], "desk.draw.open", "draw-form",
    () => act({ do: "draw-open", title: title.value.trim(), winners: Number(winners.value) }));
  return card("desk.draws", "card-draws", list.node, el("details", {}, el("summary", { t: "desk.draw.new", test: "draw-new" }), add));
}

function announceCard() {
  const area = el("textarea", { name: "text", rows: 2, maxLength: 200, required: true, test: "announce-text" });
  const now = el("p", { class: "quote", test: "announce-now" });
  const off = button("desk.announce.off", async () => {
    const before = state.room.announcement;
    await act({ do: "announce", text: "" });
    offerUndo("desk.did.announce-off", {}, () => act({ do: "announce", text: before }));
  }, { test: "announce-off" });
  const node = form([field("desk.announce.text", area)], "desk.announce.send", "announce-form", () => act({ do: "announce", text: area.value.trim() }));
  watch(["room"], () => {
    const words = state.room?.announcement ?? "";
    now.hidden = !words;
    off.hidden = !words;
    text(now, words);
  });
  return card("desk.announce", "card-announce", now, off, node);
}

function titleCard() {
  const title = el("input", { name: "title", maxLength: 80, autocomplete: "off", test: "show-title", id: newId("title") });
  const now = el("p", { test: "show-now" });
  const node = form([field("desk.show.title", title, "desk.show.hint")], "desk.show.begin", "show-form", async () => {
    await act({ do: "show-begin", title: title.value.trim() });
    tell(t("desk.show.began"));
  });
  const end = button("desk.show.end", async () => {
    if (await confirm("desk.show.ask", {}, "desk.show.end")) await act({ do: "show-end" });
  }, { test: "show-end", kind: "danger" });
  watch(["room"], () => {
    const { show = 0, title: called = "" } = state.room ?? {};
    say(now, show ? (called ? "desk.show.now" : "desk.show.untitled") : "desk.show.none", { title: called, show });
    end.hidden = !show;
  });
  return card("desk.show", "card-show", now, end, node);
}

export const showPanels = () => [pollCard(), productCard(), isOwner() && drawCard(), announceCard(), isOwner() && titleCard()].filter(Boolean);
