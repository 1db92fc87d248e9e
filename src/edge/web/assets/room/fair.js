// A draw, computed again: see src/room/live/draws.rs for the method. Works without a secure context, so with a SHA-256 of its own.

const K = [];
const START = [];
(() => {
  // The constants are parts of roots of the first primes.
  const frac = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  for (let n = 2; K.length < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (START.length < 8) START.push(frac(Math.sqrt(n)));
    K.push(frac(Math.cbrt(n)));
  }
})();

/** SHA-256 of bytes. */
export function sha256(bytes) {
  const length = bytes.length;
  const padded = new Uint8Array(((length + 9 + 63) >> 6) << 6);
  padded.set(bytes);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(padded.length - 4, (length << 3) >>> 0);
  const state = Int32Array.from(START);
  const w = new Int32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const a = w[i - 15];
      const b = w[i - 2];
      w[i] = (w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((v, i) => { state[i] = (state[i] + v) | 0; });
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((v, i) => out.setInt32(4 * i, v));
  return new Uint8Array(out.buffer);
}

/** HMAC-SHA-256. */
export function hmac(key, message) {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const join = (pad, rest) => {
    const all = new Uint8Array(64 + rest.length);
    block.forEach((b, i) => { all[i] = b ^ pad; });
    all.set(rest, 64);
    return all;
  };
  return sha256(join(0x5c, sha256(join(0x36, message))));
}

export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

/** Bytes of a hex text; throws if it is none. */
export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/i.test(text ?? '!')) throw new Error('not hex');
  return Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
}

/** SHA-256 over the entries, rising, each in decimal with a line feed. */
export const digestOf = (entries) =>
  sha256(new TextEncoder().encode([...entries].sort((a, b) => a - b).map((n) => `${n}\n`).join('')));

/** Who wins, in the order of being drawn. */
export function winnersOf(seed, entries, most) {
  const list = [...entries].sort((a, b) => a - b);
  const digest = digestOf(entries);
  const message = new Uint8Array(digest.length + 8);
  message.set(digest);
  const tail = new DataView(message.buffer, digest.length);
  let counter = 0n;
  const all = 1n << 64n;
  const k = Math.min(most, list.length);
  for (let i = 0; i < k; i += 1) {
    const left = BigInt(list.length - i);
    const limit = all - (all % left);
    let x;
    do {
      tail.setBigUint64(0, counter);
      counter += 1n;
      x = new DataView(hmac(seed, message).buffer).getBigUint64(0);
    } while (x >= limit);
    const j = i + Number(x % left);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list.slice(0, k);
}

/** Checks a whole proof: which of its three claims hold. `seen` is what the page was told before, so that a later lie shows. */
export function check(proof, seen = proof) {
  const seed = unhex(proof.seed);
  const won = winnersOf(seed, proof.entries, proof.winners);
  return {
    seed: hex(sha256(seed)) === proof.commitment && proof.commitment === seen.commitment,
    digest: hex(digestOf(proof.entries)) === proof.digest && (!seen.digest || proof.digest === seen.digest),
    winners: won.length === proof.won.length && won.every((n, i) => n === proof.won[i].viewer),
  };
}
