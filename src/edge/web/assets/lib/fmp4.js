// fMP4 over WebSocket into Media Source Extensions, kept near the live edge.

const OPEN_MS = 3000;
const KEEP_S = 8; // behind the place of play
const LIMIT_BYTES = 16 << 20; // of media not yet given to the browser

const Source = () => globalThis.ManagedMediaSource ?? globalThis.MediaSource;

/** What to do about the distance to the live edge, in s: a speed, or a jump to `edge - 0.05`. */
export function pace(behind) {
  if (behind > 1) return { jump: true, rate: 1 };
  if (behind > 0.35) return { jump: false, rate: 1.2 };
  if (behind > 0.12) return { jump: false, rate: 1.1 };
  return { jump: false, rate: 1 };
}

const fault = (code) => Object.assign(new Error(code), { code });

export class Fmp4 {
  #video;
  #ws = null;
  #source = null;
  #buffer = null;
  #queue = [];
  #queued = 0;
  #mime = null;
  #url = null;
  #timer = null;
  #ended = false;
  #opening = Promise.resolve();
  onend = () => {};
  onjump = () => {};

  static can() {
    return typeof Source() === 'function';
  }

  constructor(video) {
    this.#video = video;
  }

  get bufferedMs() {
    const b = this.#video.buffered;
    return b.length ? Math.round((b.end(b.length - 1) - this.#video.currentTime) * 1000) : 0;
  }

  open() {
    const url = new URL('/api/fmp4', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const ws = new WebSocket(url);
    ws.binaryType = 'arraybuffer';
    this.#ws = ws;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(fault('timeout')), OPEN_MS);
      ws.onclose = (event) => {
        clearTimeout(timer);
        reject(fault(event.code === 1013 ? 'not-live' : 'ended'));
        this.#stop();
      };
      ws.onmessage = (event) => {
        if (typeof event.data === 'string') {
          clearTimeout(timer);
          this.#opening = this.#opening
            .then(() => this.#format(JSON.parse(event.data)))
            .then(resolve)
            .catch((e) => { reject(e); this.#stop(); });
        } else {
          const data = event.data;
          this.#opening = this.#opening.then(() => this.#take(data)).catch(() => {});
        }
      };
    });
  }

  close() {
    this.#ended = true;
    this.onend = () => {};
    clearInterval(this.#timer);
    if (this.#ws) {
      this.#ws.onclose = null;
      this.#ws.onmessage = null;
      this.#ws.close();
    }
    this.#ws = null;
    this.#drop();
    this.#video.playbackRate = 1;
  }

  #drop() {
    this.#queue = [];
    this.#queued = 0;
    this.#buffer = null;
    this.#source = null;
    if (this.#url) {
      URL.revokeObjectURL(this.#url);
      this.#video.removeAttribute('src');
      this.#video.load();
    }
    this.#url = null;
  }

  #stop() {
    if (this.#ended) return;
    this.#ended = true;
    this.onend();
  }

  async #format({ mime, error }) {
    if (error) throw fault('not-live');
    const Kind = Source();
    if (!Kind.isTypeSupported(mime)) throw fault('codec');
    if (this.#source && mime === this.#mime) return; // a new init segment of the same kind may follow in place
    this.#drop();
    this.#mime = mime;
    const source = new Kind();
    this.#source = source;
    const open = new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }));
    this.#video.srcObject = null;
    if (Kind !== globalThis.MediaSource) this.#video.disableRemotePlayback = true;
    this.#url = URL.createObjectURL(source);
    this.#video.src = this.#url;
    await open;
    if (source !== this.#source) return;
    const buffer = source.addSourceBuffer(mime);
    this.#buffer = buffer;
    // Timestamps of the box may begin anywhere and jump when the source changes: order of arrival counts.
    buffer.addEventListener('updateend', () => this.#feed());
    buffer.addEventListener('error', () => this.#stop());
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#keep(), 100);
    this.#video.play().catch(() => {});
  }

  #take(data) {
    this.#queue.push(data);
    this.#queued += data.byteLength;
    if (this.#queued > LIMIT_BYTES) return this.#stop();
    return this.#feed();
  }

  #feed() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#source?.readyState !== 'open') return;
    const b = this.#video.buffered;
    if (b.length && this.#video.currentTime - b.start(0) > 2 * KEEP_S) {
      buffer.remove(0, this.#video.currentTime - KEEP_S);
      return;
    }
    const next = this.#queue.shift();
    if (!next) return;
    this.#queued -= next.byteLength;
    try {
      buffer.appendBuffer(next);
    } catch {
      this.#stop();
    }
  }

  #keep() {
    const v = this.#video;
    const b = v.buffered;
    if (!b.length) return;
    const edge = b.end(b.length - 1);
    const start = b.start(b.length - 1);
    const behind = edge - v.currentTime;
    const { jump, rate } = pace(behind);
    if (jump || v.currentTime < start) {
      v.currentTime = Math.max(start, edge - 0.05);
      v.playbackRate = 1;
      this.onjump();
    } else if (v.playbackRate !== rate) {
      v.playbackRate = rate;
    }
    if (v.paused && !this.#ended) v.play().catch(() => {});
  }
}
