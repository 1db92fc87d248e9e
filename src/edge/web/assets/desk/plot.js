// A small live plot: the last minutes of some figures on a canvas. What it shows stands beside it as text for those who cannot see it.

const SPAN = 240;

export class Plot {
  #canvas;
  #series;
  #max;

  /// `series`: names of CSS colours (custom properties), one for each line.
  constructor(canvas, series, max = 0) {
    this.#canvas = canvas;
    this.#series = series.map((colour) => ({ colour, values: [] }));
    this.#max = max;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  push(values) {
    this.#series.forEach((one, i) => {
      one.values.push(Number.isFinite(values[i]) ? values[i] : 0);
      if (one.values.length > SPAN) one.values.shift();
    });
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!width || !height) return;
    const scale = Math.min(devicePixelRatio || 1, 3);
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== Math.round(height * scale)) this.#canvas.height = Math.round(height * scale);
    const c = this.#canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.#canvas);
    const max = Math.max(this.#max, ...this.#series.flatMap((one) => one.values), 1) * 1.1;
    c.strokeStyle = style.getPropertyValue("--edge");
    c.lineWidth = 1;
    for (const part of [0.25, 0.5, 0.75]) {
      const y = Math.round(height * part) + 0.5;
      c.beginPath();
      c.moveTo(0, y);
      c.lineTo(width, y);
      c.stroke();
    }
    this.#series.forEach((one, i) => this.#line(c, one, i, { width, height, max, colour: style.getPropertyValue(one.colour) }));
  }

  #line(c, { values }, i, { width, height, max, colour }) {
    if (values.length < 2) return;
    const x = (n) => width - (values.length - 1 - n) * (width / (SPAN - 1));
    const y = (v) => height - 1 - (v / max) * (height - 3);
    c.beginPath();
    values.forEach((v, n) => (n === 0 ? c.moveTo(x(n), y(v)) : c.lineTo(x(n), y(v))));
    c.strokeStyle = colour;
    c.lineWidth = 1.75;
    c.lineJoin = "round";
    c.stroke();
    if (i > 0) return;
    c.lineTo(x(values.length - 1), height);
    c.lineTo(x(0), height);
    c.globalAlpha = 0.15;
    c.fillStyle = colour;
    c.fill();
    c.globalAlpha = 1;
  }
}
