/** The mask of a picture: what is marked as damaged, painted by hand, found by the detector or read from a file. */

const COLOR = "#ff2f6d"; // of marks on the stage, where they are translucent
const MARKED = 128; // the smallest level that is a mark; strokes have soft edges, masks have not

export class Mask {
  undo = () => this.move(this.steps, this.undone);
  redo = () => this.move(this.undone, this.steps);
  clear = () => this.add({});

  /** `onChange` is called after each change. */
  constructor(width, height, onChange) {
    Object.assign(this, { width, height, onChange });
    this.canvas = document.createElement("canvas");
    this.steps = []; // strokes {points}, {image} and {} for clearing, from which the marks can be drawn again
    this.undone = [];
    this.sent = undefined; // the last step of the mask that the server has
  }

  get last() {
    return this.steps.at(-1);
  }

  /** What the marks are drawn on. */
  get base() {
    return this.steps.findLast((step) => !step.points);
  }

  /** Whether the server has another mask. */
  get edited() {
    return this.last !== this.sent;
  }

  get empty() {
    return !this.last?.points && !this.last?.image;
  }

  /** Take memory for the marks and draw them; `hide` gives it back. */
  show() {
    Object.assign(this.canvas, { width: this.width, height: this.height });
    this.context = this.canvas.getContext("2d");
    return this.redraw();
  }

  hide() {
    this.canvas.width = this.canvas.height = 0;
  }

  /** Draw the last image or clearing, and the strokes since then. */
  async redraw() {
    const { base } = this;
    const bitmap = base?.image && (await createImageBitmap(base.image));
    if (this.base !== base) return; // it was drawn again meanwhile
    this.context.clearRect(0, 0, this.width, this.height);
    if (bitmap) this.drawImage(bitmap);
    for (const stroke of this.steps.slice(this.steps.indexOf(base) + 1).concat(this.stroke ?? [])) {
      const { points } = stroke;
      for (const [i, point] of points.entries()) this.drawLine(stroke, points[Math.max(i - 1, 0)], point);
    }
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
    this.stroke = null;
  }

  cancel() {
    this.stroke = null;
    return this.redraw();
  }

  /** Replace the marks by the mask that the server has, an image file. */
  replace(image) {
    this.sent = { image };
    return this.add(this.sent);
  }

  async add(step) {
    this.steps.push(step);
    this.undone.length = 0;
    if (!step.points) await this.redraw();
    this.onChange();
  }

  async move(from, to) {
    if (!from.length) return;
    to.push(from.pop());
    await this.redraw();
    this.onChange();
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

  drawImage(bitmap) {
    const [red, green, blue] = COLOR.match(/\w\w/g).map((digits) => Number.parseInt(digits, 16));
    const mark = (0xff << 24) | (blue << 16) | (green << 8) | red;
    inStrips(bitmap, this.context, (pixel) => ((pixel & 0xff) >= MARKED ? mark : 0));
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
