// The picture: WHEP first, fMP4 over WebSocket where WebRTC cannot or does not, and again from the start when it breaks.

import { Fmp4 } from './fmp4.js';
import { Whep } from './whep.js';
import { backoff } from './socket.js';

const FIRST_FRAME_MS = 3000;
const STALL_MS = 4000;
const WEBRTC_AGAIN_MS = 5 * 60_000; // after it failed, fMP4 goes first for so long

/** States, told to `onState({state, via, detail})`: connecting, playing, waiting (between attempts), offline (no picture there). */
export class Player {
  #video;
  #onState;
  #now = null;
  #stopped = true;
  #attempt = 0;
  #timer = null;
  #watchdog = null;
  #frames = 0;
  #lastFrame = 0;
  #begun = 0;
  #webrtcFailedAt = -Infinity;
  #gen = 0;
  #figures = { via: null, state: 'idle', firstFrameMs: null, reconnects: 0, jumps: 0 };

  constructor(video, { onState = () => {} } = {}) {
    this.#video = video;
    this.#onState = onState;
    video.muted = true;
    video.playsInline = true;
    video.autoplay = true;
    this.#countFrames();
  }

  /** Read-only figures, for tests and for those who wonder. */
  get figures() {
    const q = this.#video.getVideoPlaybackQuality?.();
    return Object.freeze({
      ...this.#figures,
      frames: q?.totalVideoFrames ?? this.#frames,
      dropped: q?.droppedVideoFrames ?? 0,
      bufferedMs: this.#now?.bufferedMs ?? null,
      width: this.#video.videoWidth,
      height: this.#video.videoHeight,
      currentTime: this.#video.currentTime,
      muted: this.#video.muted,
    });
  }

  /** Begins; `prefer` is `whep` or `fmp4` (then nothing else is tried), else the best that works. */
  start(prefer = null) {
    this.prefer = prefer;
    this.#stopped = false;
    this.#attempt = 0;
    this.#try();
  }

  /** Ends, and tells the box so. */
  stop() {
    this.#stopped = true;
    this.#end();
    this.#tell('idle');
  }

  /** Sound on or off; call from a tap. Resolves to whether it is on. */
  async sound(on) {
    this.#video.muted = !on;
    try {
      await this.#video.play();
    } catch {
      this.#video.muted = true;
      await this.#video.play().catch(() => {});
    }
    return !this.#video.muted;
  }

  #tell(state, detail = null) {
    this.#figures.state = state;
    this.#onState({ state, via: this.#figures.via, detail });
  }

  #countFrames() {
    const v = this.#video;
    const seen = () => {
      this.#frames += 1;
      this.#lastFrame = performance.now();
      if (this.#begun && this.#figures.firstFrameMs === null) {
        this.#figures.firstFrameMs = Math.round(performance.now() - this.#begun);
      }
      if (this.#now && this.#figures.state !== 'playing') {
        this.#attempt = 0;
        this.#tell('playing');
      }
    };
    if (v.requestVideoFrameCallback) {
      const next = () => {
        seen();
        v.requestVideoFrameCallback(next);
      };
      v.requestVideoFrameCallback(next);
    } else {
      v.addEventListener('timeupdate', seen);
    }
  }

  #end() {
    this.#gen += 1;
    clearTimeout(this.#timer);
    clearInterval(this.#watchdog);
    this.#now?.close();
    this.#now = null;
  }

  #order() {
    if (this.prefer) return [this.prefer];
    const able = [];
    if (Whep.can()) able.push('whep');
    if (Fmp4.can()) able.push('fmp4');
    if (performance.now() - this.#webrtcFailedAt < WEBRTC_AGAIN_MS) able.reverse();
    return able;
  }

  async #try() {
    this.#end();
    const gen = this.#gen;
    const ways = this.#order();
    if (!ways.length) return this.#tell('offline', 'unsupported');
    let reason = null;
    for (const via of ways) {
      this.#figures.via = via;
      this.#tell('connecting');
      this.#begun = performance.now();
      this.#figures.firstFrameMs = null;
      const at = this.#frames;
      const way = via === 'whep' ? new Whep(this.#video) : new Fmp4(this.#video);
      this.#now = way;
      way.onjump = () => { this.#figures.jumps += 1; };
      try {
        await way.open();
        if (gen !== this.#gen) return way.close();
        this.#video.play().catch(() => {});
        await this.#firstFrame(way, at);
        if (gen !== this.#gen) return way.close();
        way.onend = () => { if (gen === this.#gen) this.#again('ended'); };
        return this.#watch(gen);
      } catch (e) {
        if (gen !== this.#gen) return undefined;
        reason = e?.code ?? e?.message ?? 'failed';
        if (via === 'whep' && reason !== 'not-live') this.#webrtcFailedAt = performance.now();
        way.close();
        this.#now = null;
      }
    }
    // Neither way has a picture: then WebRTC is not at fault, and there is likely nothing to see.
    if (reason === 'no-frame') this.#webrtcFailedAt = -Infinity;
    return this.#again(reason === 'no-frame' ? 'not-live' : reason);
  }

  #firstFrame(way, at) {
    const until = performance.now() + FIRST_FRAME_MS;
    return new Promise((resolve, reject) => {
      way.onend = () => reject(new Error('ended'));
      const look = () => {
        if (this.#frames > at) resolve();
        else if (performance.now() > until && document.visibilityState === 'visible') reject(new Error('no-frame'));
        else setTimeout(look, 50);
      };
      look();
    });
  }

  #watch(gen) {
    this.#lastFrame = performance.now();
    this.#watchdog = setInterval(() => {
      if (gen !== this.#gen || document.visibilityState !== 'visible') {
        this.#lastFrame = performance.now(); // a hidden page shows no frames, which is no fault
      } else if (performance.now() - this.#lastFrame > STALL_MS) {
        this.#again('stalled');
      }
    }, 500);
  }

  #again(reason) {
    this.#end();
    if (this.#stopped) return;
    this.#figures.reconnects += 1;
    const ms = backoff(this.#attempt++);
    this.#tell(reason === 'not-live' ? 'offline' : 'waiting', reason);
    this.#timer = setTimeout(() => this.#try(), ms);
  }
}
