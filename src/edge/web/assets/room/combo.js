// Combos of gifts and batches of likes, as plain arithmetic.

export const COMBO_MS = 3000;

/** Counts taps: the same gift again within three seconds raises the count of the same combo. `makeWord` names a new one. */
export class Combos {
  #now = null;
  #word;

  constructor(makeWord) {
    this.#word = makeWord;
  }

  tap(gift, at) {
    const on = this.#now;
    if (on && on.gift === gift && at - on.at < COMBO_MS && on.count < 9999) {
      on.count += 1;
      on.at = at;
    } else {
      this.#now = { gift, combo: this.#word(), count: 1, at };
    }
    const { combo, count } = this.#now;
    return { gift, combo, count };
  }

  /** The running one, or nothing. */
  current(at) {
    return this.#now && at - this.#now.at < COMBO_MS ? this.#now : null;
  }
}

/** Likes gather here and go out in one message at most every 250 ms. `take` gives what is due, 1 to 100, or 0. */
export class Likes {
  #waiting = 0;
  #last = -Infinity;

  add(n = 1) {
    this.#waiting = Math.min(this.#waiting + n, 400);
  }

  get waiting() {
    return this.#waiting;
  }

  take(at) {
    if (!this.#waiting || at - this.#last < 250) return 0;
    const n = Math.min(100, this.#waiting);
    this.#waiting -= n;
    this.#last = at;
    return n;
  }
}
