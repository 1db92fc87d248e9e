// WHEP (RFC 9725 style, without trickle): one offer with all candidates, one answer, DELETE on leaving.

const GATHER_MS = 300;
const ANSWER_MS = 3000;

const fault = (code) => Object.assign(new Error(code), { code });

export class Whep {
  #video;
  #pc = null;
  #where = null;
  #leave = () => this.#delete(true);
  onend = () => {};

  /** Whether this browser has WebRTC at all. */
  static can() {
    return typeof RTCPeerConnection === 'function';
  }

  constructor(video) {
    this.#video = video;
  }

  get bufferedMs() {
    return null; // the jitter buffer is the browser's own
  }

  async open() {
    const pc = new RTCPeerConnection();
    this.#pc = pc;
    const stream = new MediaStream();
    pc.ontrack = (event) => {
      stream.addTrack(event.track);
      // As little buffering as the browser is willing to do.
      if ('jitterBufferTarget' in event.receiver) event.receiver.jitterBufferTarget = 0;
      else if ('playoutDelayHint' in event.receiver) event.receiver.playoutDelayHint = 0;
    };
    pc.onconnectionstatechange = () => {
      if (['failed', 'closed'].includes(pc.connectionState)) this.onend();
    };
    pc.addTransceiver('video', { direction: 'recvonly' });
    pc.addTransceiver('audio', { direction: 'recvonly' });
    await pc.setLocalDescription(await pc.createOffer());
    await gathered(pc);
    const response = await fetch('/api/whep', {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', 'X-Boothcast': '1' },
      body: pc.localDescription.sdp,
      signal: AbortSignal.timeout?.(ANSWER_MS),
    });
    if (!response.ok) throw fault(await code(response));
    this.#where = response.headers.get('Location');
    const sdp = await response.text();
    if (this.#pc !== pc) return this.#delete(); // closed meanwhile
    globalThis.addEventListener('pagehide', this.#leave);
    await pc.setRemoteDescription({ type: 'answer', sdp });
    this.#video.removeAttribute('src');
    this.#video.srcObject = stream;
    return undefined;
  }

  close() {
    globalThis.removeEventListener('pagehide', this.#leave);
    this.onend = () => {};
    const pc = this.#pc;
    this.#pc = null;
    if (pc) {
      pc.onconnectionstatechange = null;
      pc.close();
    }
    if (this.#video.srcObject instanceof MediaStream) this.#video.srcObject = null;
    this.#delete();
  }

  #delete() {
    const where = this.#where;
    this.#where = null;
    if (!where || !where.startsWith('/')) return;
    fetch(where, { method: 'DELETE', keepalive: true, headers: { 'X-Boothcast': '1' } }).catch(() => {});
  }
}

function gathered(pc) {
  if (pc.iceGatheringState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_MS);
    pc.addEventListener('icegatheringstatechange', () => {
      if (pc.iceGatheringState === 'complete') {
        clearTimeout(timer);
        resolve();
      }
    });
  });
}

async function code(response) {
  try {
    const body = await response.json();
    // Nothing to watch is not a fault of WebRTC: the other way would not have it either.
    if (['not-live', 'not-ready', 'unavailable'].includes(body?.error?.code)) return 'not-live';
    return body?.error?.code ?? `http-${response.status}`;
  } catch {
    return `http-${response.status}`;
  }
}
