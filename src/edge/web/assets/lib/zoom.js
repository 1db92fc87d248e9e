// The mathematics of zoom and pan: a point of the picture stays under the finger, and the picture never leaves its frame.

export const MAX = 8;

/** The whole picture. `x` and `y` are where its left top corner is, in units of the frame. */
export const WHOLE = Object.freeze({ k: 1, x: 0, y: 0 });

const within = (v, low, high) => Math.min(high, Math.max(low, v));

/** Brings a view back into what is allowed. */
export function clamp({ k, x, y }) {
  const scale = within(Number.isFinite(k) ? k : 1, 1, MAX);
  const low = 1 - scale;
  return { k: scale, x: within(Number.isFinite(x) ? x : 0, low, 0), y: within(Number.isFinite(y) ? y : 0, low, 0) };
}

/** Scales by `factor` about a point of the frame (0 to 1), which stays where it is. */
export function zoomAt(view, factor, px = 0.5, py = 0.5) {
  const k = within(view.k * factor, 1, MAX);
  const f = k / view.k;
  return clamp({ k, x: px - (px - view.x) * f, y: py - (py - view.y) * f });
}

/** Moves by parts of the frame. */
export const pan = (view, dx, dy) => clamp({ k: view.k, x: view.x + dx, y: view.y + dy });

/** Two fingers: from where they were to where they are, in parts of the frame. */
export function pinch(view, before, now) {
  const mid = (p) => [(p[0].x + p[1].x) / 2, (p[0].y + p[1].y) / 2];
  const far = (p) => Math.hypot(p[0].x - p[1].x, p[0].y - p[1].y) || 1e-6;
  const [bx, by] = mid(before);
  const [nx, ny] = mid(now);
  return pan(zoomAt(view, far(now) / far(before), bx, by), nx - bx, ny - by);
}
