// The connection to the room: comes back by itself, asks only for what it lacks, and sends again what was not acknowledged.

const PATIENCE_MS = 12_000; // how long a wish may wait for its answer before its sender is told
const PING_MS = 10_000;
const SILENCE_MS = 25_000;
const LOOK_BACK = 50; // lines asked for again, to learn which of them were taken away meanwhile
// Once more does no harm with these: the server knows them by nonce, by combo, or by their being the same.
const REPEATABLE = new Set(['say', 'ask', 'give', 'vote', 'up-vote', 'seen', 'enter', 'rename', 'ping']);

/** Why a wish was not done: `code`, `message`, `retry_after_ms`, `reason`. */
export class Refusal extends Error {
  constructor(error) {
    super(error?.message ?? 'not done');
    this.name = 'Refusal';
    this.code = error?.code ?? 'unknown';
    this.retry_after_ms = error?.retry_after_ms;
    this.reason = error?.reason;
  }
}

/** Full jitter: anything between half a second and a limit that doubles up to ten. */
export function backoff(attempt, random = Math.random) {
  const top = Math.min(10_000, 1000 * 2 ** Math.min(attempt, 10));
  return 500 + random() * (top - 500);
}

/** A word that is not used again. */
export function word() {
  const bytes = new Uint8Array(12);
  crypto.getRandomValues(bytes);
  return Array.from(bytes, (b) => b.toString(36).padStart(2, '0')).join('');
}

/** From which line on to ask: a little before the last, and before any of one's own that still wait. */
export function askAfter(last, held = []) {
  if (!last) return null;
  return Math.max(0, Math.min(last - LOOK_BACK, ...[...held].map((n) => n - 1)));
}

const FULL = 100; // a hello of so many lines may have been cut off at its beginning

/** Known lines that are no longer to be seen, by the `hello` to a connection that asked for those after `after`. */
export function goneLines(known, lines, after) {
  if (after === null) return [];
  const there = new Set(lines.map((l) => l.line));
  const from = lines.length >= FULL ? lines[0].line : after + 1;
  return [...known].filter((n) => n >= from && !there.has(n));
}

export class Socket {
  #path;
  #before;
  #ws = null;
  #listeners = new Map();
  #waiting = new Map(); // id -> {wish, resolve, reject, timer, sent}
  #attempt = 0;
  #timer = null;
  #beat = null;
  #heard = 0;
  #closed = false;
  #ready = false;
  #next = 1;
  #last = 0;
  #after = null;
  #held = new Set();
  #known = new Set();

  /** `before` is awaited before each attempt: it may fetch a cookie. */
  constructor(path, { before } = {}) {
    this.#path = path;
    this.#before = before;
    globalThis.addEventListener?.('online', () => this.#soon(0));
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#soon(0);
    });
    queueMicrotask(() => this.#open());
  }

  /** `type` is a `t` of the protocol, or `state` (`connecting`, `open`, `waiting`, `closed`). Returns how to stop. */
  on(type, fn) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(fn);
    return () => this.#listeners.get(type).delete(fn);
  }

  /** Whether the room is there now. */
  get open() {
    return this.#ready;
  }

  /** Asks; what comes of it, or a Refusal. A line or a question gets a nonce unless it has one. */
  act(wish, { patience = PATIENCE_MS } = {}) {
    if (this.#closed) return Promise.reject(new Refusal({ code: 'offline' }));
    const full = { ...wish };
    if ((full.do === 'say' || full.do === 'ask') && !full.nonce) full.nonce = word();
    const id = `${this.#next++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, (w) => w.reject(new Refusal({ code: 'offline' }))), patience);
      this.#waiting.set(id, { wish: full, resolve, reject, timer, sent: false });
      this.#send(id);
    });
  }

  /** Ends it for good. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#beat);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, (w) => w.reject(new Refusal({ code: 'offline' })));
    this.#ws?.close(1000);
    this.#tell('state', { state: 'closed' });
  }

  #tell(type, message) {
    for (const fn of this.#listeners.get(type) ?? []) {
      try {
        fn(message);
      } catch (e) {
        console.error(e); // one part's fault is not the others'
      }
    }
  }

  #settle(id, how) {
    const w = this.#waiting.get(id);
    if (!w) return;
    this.#waiting.delete(id);
    clearTimeout(w.timer);
    how(w);
  }

  #send(id) {
    const w = this.#waiting.get(id);
    if (!w || !this.#ready || this.#ws?.readyState !== WebSocket.OPEN) return;
    w.sent = true;
    this.#ws.send(JSON.stringify({ id, ...w.wish }));
  }

  #soon(ms) {
    if (this.#closed || this.#ws) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), ms);
  }

  async #open() {
    if (this.#closed || this.#ws) return;
    clearTimeout(this.#timer);
    this.#tell('state', { state: 'connecting', attempt: this.#attempt });
    const holder = { readyState: -1, close() {} };
    this.#ws = holder; // so that a second attempt does not start meanwhile
    try {
      await this.#before?.(this.#attempt);
      if (this.#closed) return;
      const url = new URL(this.#path, location.href);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      this.#after = askAfter(this.#last, this.#held);
      if (this.#after !== null) url.searchParams.set('after', String(this.#after));
      const ws = new WebSocket(url);
      this.#ws = ws;
      ws.onmessage = (event) => this.#message(ws, event.data);
      ws.onclose = () => this.#lost(ws);
      ws.onerror = () => {};
      this.#heard = Date.now();
      clearInterval(this.#beat);
      this.#beat = setInterval(() => this.#pulse(ws), PING_MS);
    } catch {
      this.#lost(this.#ws);
    }
  }

  #pulse(ws) {
    if (ws !== this.#ws) return;
    if (Date.now() - this.#heard > SILENCE_MS) {
      this.#lost(ws);
      ws.close();
    } else if (this.#ready) {
      ws.send(JSON.stringify({ id: 'ping', do: 'ping' }));
    }
  }

  #lost(ws) {
    if (ws !== this.#ws) return;
    this.#ws = null;
    this.#ready = false;
    clearInterval(this.#beat);
    if (this.#closed) return;
    for (const [id, w] of [...this.#waiting]) {
      if (w.sent && !REPEATABLE.has(w.wish.do)) this.#settle(id, (one) => one.reject(new Refusal({ code: 'unsure' })));
    }
    const ms = backoff(this.#attempt++);
    this.#tell('state', { state: 'waiting', retry_ms: ms });
    this.#soon(ms);
  }

  #note(line) {
    this.#last = Math.max(this.#last, line.line);
    this.#known.add(line.line);
    if (line.state === 'held') this.#held.add(line.line);
    else this.#held.delete(line.line);
    if (this.#known.size > 2000) this.#known.delete(this.#known.values().next().value);
  }

  #message(ws, data) {
    if (ws !== this.#ws) return;
    this.#heard = Date.now();
    let m;
    try {
      m = JSON.parse(data);
    } catch {
      return;
    }
    switch (m.t) {
      case 'ok':
        return this.#settle(m.id, (w) => w.resolve(m.result ?? {}));
      case 'no':
        return this.#settle(m.id, (w) => w.reject(new Refusal(m.error)));
      case 'hello':
        this.#hello(m);
        return;
      case 'line':
      case 'held':
        this.#note(m.line);
        break;
      case 'line-gone':
        this.#known.delete(m.line);
        this.#held.delete(m.line);
        break;
      default:
    }
    this.#tell(m.t, m);
  }

  #hello(m) {
    m.lines ??= [];
    const gone = m.room?.panic ? [] : goneLines(this.#known, m.lines, this.#after);
    m.lines.forEach((l) => this.#note(l));
    this.#attempt = 0;
    this.#ready = true;
    this.#tell('hello', m);
    gone.forEach((line) => {
      this.#known.delete(line);
      this.#held.delete(line);
      this.#tell('line-gone', { t: 'line-gone', line });
    });
    this.#tell('state', { state: 'open' });
    for (const id of this.#waiting.keys()) this.#send(id);
  }
}
