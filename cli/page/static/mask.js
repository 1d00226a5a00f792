/** The marks of the picture: what is damaged, painted by hand, found by the detector or read from a file. */

import * as api from "./api.js";
import { find } from "./elements.js";
import { current } from "./list.js";

const COLOR = "#ff2f6d"; // of marks on the stage, where they are translucent
const MARKED = 128; // the smallest level that is a mark; strokes have soft edges, masks have not

const canvas = find("canvas");
const context = canvas.getContext("2d");
let stroke = null; // that is being painted

/** The marks of a picture: strokes {points}, {image} and {} for clearing; and the last step of those that were sent. */
export const none = () => ({ steps: [], undone: [], sent: undefined });

/** Whether the server has another mask. */
export const isEdited = ({ steps, sent }) => steps.at(-1) !== sent;
export const isEmpty = ({ steps }) => !steps.at(-1)?.points && !steps.at(-1)?.image;

/** Show the marks of another picture. */
export function show() {
  const { width, height } = current.picture;
  Object.assign(canvas, { width, height });
  return redraw(current.marks);
}

/** Draw the last image or clearing, and the strokes since then. */
async function redraw({ steps }) {
  const findBase = () => steps.findLast((step) => !step.points);
  const base = findBase();
  const bitmap = base?.image && (await createImageBitmap(base.image));
  if (steps !== current.marks.steps || findBase() !== base) return; // others are drawn meanwhile
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (bitmap) drawImage(bitmap);
  for (const each of steps.slice(steps.indexOf(base) + 1).concat(stroke ?? [])) {
    for (const [i, point] of each.points.entries()) drawLine(each, each.points[Math.max(i - 1, 0)], point);
  }
}

/** Begin a stroke at a point, with a width in pixels of the picture. */
export function begin(point, size, erases) {
  stroke = { size, erases, points: [point] };
  drawLine(stroke, point, point);
}

export function move(point) {
  drawLine(stroke, stroke.points.at(-1), point);
  stroke.points.push(point);
}

export function end() {
  add(current, stroke);
  stroke = null;
}

export function cancel() {
  stroke = null;
  return redraw(current.marks);
}

export const clear = () => add(current, {});

/** Take the mask that the server has of a picture, whether that is shown or not. */
export async function take(entry) {
  entry.marks.sent = { image: await api.mask(entry.picture.id) };
  await add(entry, entry.marks.sent);
}

function add(entry, step) {
  entry.marks.steps.push(step);
  entry.marks.undone.length = 0;
  return changed(entry, step.points);
}

export const undo = () => shift(current.marks.steps, current.marks.undone);
export const redo = () => shift(current.marks.undone, current.marks.steps);

async function shift(from, to) {
  if (!from.length) return;
  to.push(from.pop());
  await changed(current);
}

async function changed(entry, isDrawn = false) {
  entry.ran = null;
  if (entry !== current) return; // marks may be found while another picture is open
  if (!isDrawn) await redraw(entry.marks);
  canvas.dispatchEvent(new Event("change", { bubbles: true }));
}

function drawLine({ size, erases }, from, to) {
  context.globalCompositeOperation = erases ? "destination-out" : "source-over";
  Object.assign(context, { strokeStyle: COLOR, lineWidth: size, lineCap: "round" });
  context.beginPath();
  context.moveTo(from.x + 0.5, from.y + 0.5);
  context.lineTo(to.x + 0.5, to.y + 0.5);
  context.stroke();
}

function drawImage(bitmap) {
  const [red, green, blue] = COLOR.match(/\w\w/g).map((digits) => Number.parseInt(digits, 16));
  const mark = (0xff << 24) | (blue << 16) | (green << 8) | red;
  inStrips(bitmap, context, (pixel) => ((pixel & 0xff) >= MARKED ? mark : 0));
}

/** The mask as a PNG file: white where the picture is damaged, and black. */
export function file() {
  const made = new OffscreenCanvas(canvas.width, canvas.height);
  inStrips(canvas, made.getContext("2d"), (pixel) => (pixel >>> 24 >= MARKED ? 0xffffffff : 0xff000000));
  return made.convertToBlob({ type: "image/png" });
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
