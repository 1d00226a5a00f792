/** The mask of a picture: what is marked as damaged, painted by hand, found by the detector or read from a file. */

const COLOR = "#ff2f6d"; // of marks on the stage, where they are translucent
const MARKED = 128; // the smallest level that is a mark; strokes have soft edges, masks have not

export class Mask {
  /** `onChange` is called after each change. */
  constructor(width, height, onChange) {
    Object.assign(this, { width, height, onChange });
    this.canvas = document.createElement("canvas");
    this.steps = []; // strokes, images and "clear", from which the marks can be drawn again
    this.undone = [];
    this.saved(); // the server has none either
  }

  /** Whether the server has another mask. */
  get edited() {
    return this.steps.at(-1) !== this.kept;
  }

  get empty() {
    return !this.steps.length || this.steps.at(-1).clear === true;
  }

  saved() {
    this.kept = this.steps.at(-1); // which no other marks end with
  }

  /** Take memory for the marks and draw them; `hide` gives it back. */
  show() {
    Object.assign(this.canvas, { width: this.width, height: this.height });
    this.context = this.canvas.getContext("2d");
    return this.redraw();
  }

  hide() {
    this.canvas.width = this.canvas.height = 0;
    for (const step of this.steps) delete step.bitmap;
  }

  async redraw() {
    this.context.clearRect(0, 0, this.width, this.height);
    const last = this.steps.findLastIndex((step) => step.clear || step.image);
    for (const step of this.steps.slice(Math.max(last, 0))) await this.draw(step);
  }

  /** Begin a stroke at a point, with a width in pixels of the picture. */
  begin(point, size, erases) {
    this.stroke = { size, erases, points: [point] };
    this.drawLine(this.stroke, point, point);
  }

  extend(point) {
    this.drawLine(this.stroke, this.stroke.points.at(-1), point);
    this.stroke.points.push(point);
  }

  end() {
    this.add(this.stroke);
    this.onChange();
  }

  cancel() {
    return this.redraw();
  }

  async clear() {
    await this.draw(this.add({ clear: true }));
    this.onChange();
  }

  /** Replace the marks by the mask that the server has, an image file. */
  async replace(image) {
    const step = this.add({ image });
    this.saved();
    await this.draw(step);
    this.onChange();
  }

  add(step) {
    this.steps.push(step);
    this.undone = [];
    return step;
  }

  undo() {
    return this.move(this.steps, this.undone);
  }

  redo() {
    return this.move(this.undone, this.steps);
  }

  async move(from, to) {
    if (!from.length) return;
    to.push(from.pop());
    await this.redraw();
    this.onChange();
  }

  async draw(step) {
    if (step.clear) this.context.clearRect(0, 0, this.width, this.height);
    else if (step.image) await this.drawImage(step);
    else for (const [i, point] of step.points.entries()) this.drawLine(step, step.points[Math.max(i - 1, 0)], point);
  }

  drawLine({ size, erases }, from, to) {
    const { context } = this;
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    Object.assign(context, { strokeStyle: COLOR, lineWidth: size, lineCap: "round" });
    context.beginPath();
    context.moveTo(from.x + 0.5, from.y + 0.5);
    context.lineTo(to.x + 0.5, to.y + 0.5);
    context.stroke();
  }

  async drawImage(step) {
    step.bitmap ??= await createImageBitmap(step.image);
    const [red, green, blue] = COLOR.match(/\w\w/g).map((digits) => Number.parseInt(digits, 16));
    const mark = (0xff << 24) | (blue << 16) | (green << 8) | red;
    inStrips(step.bitmap, this.context, (pixel) => ((pixel & 0xff) >= MARKED ? mark : 0));
  }

  /** The mask as a PNG file: white where the picture is damaged, and black. */
  async file() {
    const canvas = new OffscreenCanvas(this.width, this.height);
    inStrips(this.canvas, canvas.getContext("2d"), (pixel) => (pixel >>> 24 >= MARKED ? 0xffffffff : 0xff000000));
    return canvas.convertToBlob({ type: "image/png" });
  }
}

/** Put each pixel (ABGR) of an image through a function onto a canvas of its size, in strips that need little memory. */
function inStrips(from, to, change) {
  const { width, height } = from;
  const rows = 256;
  const reader = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  for (let y = 0; y < height; y += rows) {
    reader.clearRect(0, 0, width, rows);
    reader.drawImage(from, 0, -y);
    const strip = reader.getImageData(0, 0, width, Math.min(rows, height - y));
    const pixels = new Uint32Array(strip.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = change(pixels[i]);
    to.putImageData(strip, 0, y);
  }
}
