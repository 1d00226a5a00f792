/** The stage: where the picture lies (zoom, pan), and what pointers and keys do on it. */

import { find } from "./elements.js";

const LARGEST = 32; // screen pixels for a pixel of the picture
const PAN = 60; // screen pixels by a key
const SLOP = 4; // screen pixels that a finger moves before it paints
const WAIT = 60; // ms that a finger rests before it paints: a second one may follow, and then both move the picture

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const element = find("stage");
const pointers = new Map(); // by id, where each is on the stage in screen pixels
export let size = { width: 1, height: 1 }; // of the picture
export let view = { scale: 1, x: 0, y: 0 };
export let cursor = null; // where arrows have brought the tool, in pixels of the picture
let tool = null;
let smallest = 0; // scale
let fitted = true; // whether the whole picture is to be seen, whatever the size of the stage
let gesture = null; // "wait", "draw", "pan" or "pinch"
let began = null; // where
let timer;
let isHeld = false; // whether the space bar or Enter is

new ResizeObserver(() => (fitted ? fit() : place())).observe(element);
for (const [name, action] of Object.entries({
  pointerdown: press,
  pointermove: drag,
  pointerup: release,
  pointercancel: release,
  pointerleave: () => cursor || point(null),
  wheel: turn,
  keydown: pressKey,
  keyup: ({ key }) => (key === " " || key === "Enter") && releaseKeys(),
  blur: releaseKeys,
})) {
  element.addEventListener(name, action, { passive: false });
}

/** Give notice of where a tool points to; `isSaid` for screen readers, where keys move it. */
const point = (place, isSaid = false) => element.dispatchEvent(new CustomEvent("point", { detail: { place, isSaid } }));

/** Show a picture of a size, whole. */
export function open(width, height) {
  size = { width, height };
  cursor = null;
  fit();
}

/** A tool has begin(point), move(point), end(point) and cancel(); without one, pointers and arrows move the picture. */
export function use(chosen) {
  stopTool("cancel");
  tool = chosen;
}

export const frame = () => element.getBoundingClientRect();

/** Show the whole picture with a margin, above the tools where they lie over the stage; small ones are enlarged. */
export function fit() {
  const { width, height } = frame();
  const room = height - Number.parseFloat(getComputedStyle(element).getPropertyValue("--tools"));
  const margin = Math.min(48, width * 0.06);
  const scale = clamp(Math.min((width - margin) / size.width, (room - margin) / size.height), 0.001, 4);
  smallest = scale / 4;
  view = { scale, x: (width - size.width * scale) / 2, y: (room - size.height * scale) / 2 };
  place();
  fitted = true;
}

const middle = () => ({ x: frame().width / 2, y: frame().height / 2 });

/** Zoom so that the picture stays where it is at a place of the stage. */
export function zoom(wanted, at = middle()) {
  const scale = clamp(wanted, smallest, LARGEST);
  const moved = (start, fixed) => fixed - ((fixed - start) * scale) / view.scale;
  view = { scale, x: moved(view.x, at.x), y: moved(view.y, at.y) };
  place();
}

function pan(x, y) {
  view = { ...view, x: view.x + x, y: view.y + y };
  place();
}

/** Keep a part of the picture in sight, and give notice of the view. */
function place() {
  const { width, height } = frame();
  const keep = Math.min(width, height) / 3;
  view.x = clamp(view.x, keep - size.width * view.scale, width - keep);
  view.y = clamp(view.y, keep - size.height * view.scale, height - keep);
  fitted = false;
  element.dispatchEvent(new Event("view"));
}

/** The place of an event on the stage, in screen pixels. */
function placeOf(event) {
  const { left, top } = frame();
  return { x: event.clientX - left, y: event.clientY - top };
}

export const toPicture = ({ x, y }) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

function press(event) {
  if (event.target.closest("input")) return;
  const at = placeOf(event);
  element.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, at);
  cursor = null;
  if (pointers.size > 1) {
    stopTool("cancel"); // the first finger of a pinch leaves no dot
    gesture = "pinch";
  } else if (!tool || event.button === 1 || isHeld) {
    gesture = "pan";
  } else if (event.button === 0) {
    began = at;
    gesture = "wait";
    timer = setTimeout(startTool, event.pointerType === "touch" ? WAIT : 0);
  }
  if (event.button === 1) event.preventDefault(); // no scrolling by the middle button
}

function drag(event) {
  const at = placeOf(event);
  if (event.pointerType !== "touch") point(toPicture(at));
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, at);
  if (gesture === "pinch" && other) pinch(before, at, other);
  else if (gesture === "pan") pan(at.x - before.x, at.y - before.y);
  else if (gesture === "wait" && distance(at, began) > SLOP) startTool();
  if (gesture === "draw") tool.move(toPicture(at));
}

/** Two fingers: what lies under each stays under it. */
function pinch(before, now, other) {
  pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  const between = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  zoom((view.scale * distance(now, other)) / Math.max(distance(before, other), 1), between);
}

/** A finger that a pinch leaves does nothing. */
function release(event) {
  const isUp = event.type === "pointerup";
  if (isUp && gesture === "wait") startTool(); // a tap
  stopTool(isUp ? "end" : "cancel", toPicture(placeOf(event)));
  pointers.delete(event.pointerId);
}

function startTool(point = toPicture(began)) {
  clearTimeout(timer);
  gesture = "draw";
  tool.begin(point);
}

function stopTool(how, point) {
  clearTimeout(timer);
  if (gesture === "draw") tool[how](point);
  gesture = null;
}

function turn(event) {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(-event.deltaX - event.deltaY, 0);
  else zoom(view.scale * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), placeOf(event));
}

/** Arrows move the picture, or a tool's cursor that the space bar uses. */
function pressKey(event) {
  if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = ARROWS[event.key];
  if (arrow && tool) moveCursor(arrow, event.shiftKey ? 10 : 1);
  else if (arrow) pan(-arrow[0] * PAN, -arrow[1] * PAN);
  else if (event.key === " " || event.key === "Enter") useCursor(event);
  else return;
  event.preventDefault();
}

/** Step by about six screen pixels, so that it is one pixel of the picture where each can be seen. */
function moveCursor([x, y], times) {
  const step = Math.max(Math.round(6 / view.scale), 1) * times;
  const from = cursor ?? toPicture(middle());
  const to = (start, way, length) => clamp(Math.round(start) + way * step, 0, length - 1);
  cursor = { x: to(from.x, x, size.width), y: to(from.y, y, size.height) };
  reveal();
  point(cursor, true);
  if (isHeld && gesture === "draw") tool.move(cursor);
}

/** Move the picture so that the cursor can be seen. */
function reveal() {
  const { width, height } = frame();
  const into = (place, end) => clamp(place, 20, end - 20) - place;
  const [right, down] = [into(cursor.x * view.scale + view.x, width), into(cursor.y * view.scale + view.y, height)];
  if (right || down) pan(right, down);
}

/** The space bar draws where the cursor is, and Enter, too, which brings it; else it holds the picture. */
function useCursor({ key, repeat }) {
  isHeld = true;
  if (tool && !cursor && key === "Enter") moveCursor([0, 0], 1);
  if (tool && cursor && !repeat && !gesture) startTool(cursor);
}

function releaseKeys() {
  if (isHeld && gesture === "draw" && !pointers.size) stopTool("end", cursor);
  isHeld = false;
}

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
const clamp = (value, lowest, highest) => Math.max(Math.min(value, highest), lowest);
