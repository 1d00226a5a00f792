/** The stage: where the picture lies (zoom, pan), and what pointers and keys do on it. */

const LARGEST = 32; // screen pixels for a pixel of the picture
const PAN = 60; // screen pixels by a key
const SLOP = 4; // screen pixels that a finger moves before it paints
const WAIT = 60; // ms that a finger rests before it paints: a second one may follow, and then both move the picture

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Stage {
  /**
   * `onView` is called when the picture moves, `onCursor` when the place does that a tool points to.
   * A tool has begin(point), move(point), end() and cancel(); without one, pointers and arrows move the picture.
   */
  constructor(element, onView, onCursor) {
    Object.assign(this, { element, onView, onCursor });
    this.tool = null;
    this.size = { width: 1, height: 1 };
    this.view = { scale: 1, x: 0, y: 0 };
    this.fitted = true;
    this.pointers = new Map();
    this.gesture = null; // "wait", "draw", "pan" or "pinch"
    this.cursor = null; // where arrows have brought the tool, in pixels of the picture
    this.space = false;
    new ResizeObserver(() => (this.fitted ? this.fit() : this.place())).observe(element);
    for (const [name, action] of Object.entries({
      pointerdown: this.press,
      pointermove: this.drag,
      pointerup: this.release,
      pointercancel: this.release,
      pointerleave: () => this.cursor || this.onCursor(null),
      wheel: this.wheel,
      keydown: this.key,
      keyup: ({ key }) => (key === " " || key === "Enter") && this.releaseKeys(),
      blur: this.releaseKeys,
    })) {
      element.addEventListener(name, action.bind(this), { passive: false });
    }
  }

  /** Show a picture of a size, whole. */
  open(width, height) {
    this.size = { width, height };
    this.cursor = null;
    this.fit();
  }

  get frame() {
    return this.element.getBoundingClientRect();
  }

  /** Show the whole picture with a margin, above the tools where they lie over the stage; small ones are enlarged. */
  fit() {
    const { width, height } = this.frame;
    const room = height - Number.parseFloat(getComputedStyle(this.element).getPropertyValue("--tools"));
    const margin = Math.min(48, width * 0.06);
    const scale = clamp(Math.min((width - margin) / this.size.width, (room - margin) / this.size.height), 0.001, 4);
    this.smallest = scale / 4;
    this.view = { scale, x: (width - this.size.width * scale) / 2, y: (room - this.size.height * scale) / 2 };
    this.place();
    this.fitted = true;
  }

  /** Zoom so that the picture stays where it is at a place of the stage, its center by default. */
  zoom(wanted, at = { x: this.frame.width / 2, y: this.frame.height / 2 }) {
    const { x, y, scale: before } = this.view;
    const scale = clamp(wanted, this.smallest, LARGEST);
    this.view = { scale, x: at.x - ((at.x - x) * scale) / before, y: at.y - ((at.y - y) * scale) / before };
    this.place();
  }

  pan(x, y) {
    this.view.x += x;
    this.view.y += y;
    this.place();
  }

  /** Keep a part of the picture in sight, and pass the view on. */
  place() {
    const { width, height } = this.frame;
    const { scale } = this.view;
    const keep = Math.min(width, height) / 3;
    this.view.x = clamp(this.view.x, keep - this.size.width * scale, width - keep);
    this.view.y = clamp(this.view.y, keep - this.size.height * scale, height - keep);
    this.fitted = false;
    this.onView(this.view);
  }

  /** The place of an event on the stage, in screen pixels. */
  at(event) {
    const { left, top } = this.frame;
    return { x: event.clientX - left, y: event.clientY - top };
  }

  toPicture({ x, y }) {
    return { x: (x - this.view.x) / this.view.scale, y: (y - this.view.y) / this.view.scale };
  }

  press(event) {
    if (event.target.closest("input")) return;
    const place = this.at(event);
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, place);
    this.cursor = null;
    if (this.pointers.size > 1) {
      this.stopTool("cancel"); // the first finger of a pinch leaves no dot
      this.gesture = "pinch";
    } else if (!this.tool || event.button === 1 || this.space) {
      this.gesture = "pan";
    } else if (event.button === 0) {
      this.start = place;
      this.gesture = "wait";
      if (event.pointerType === "touch") this.timer = setTimeout(() => this.startTool(), WAIT);
      else this.startTool();
    }
    if (event.button === 1) event.preventDefault(); // no scrolling by the middle button
  }

  drag(event) {
    const place = this.at(event);
    if (event.pointerType !== "touch") this.onCursor(this.toPicture(place));
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.pointers.entries()].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, place);
    if (this.gesture === "pinch" && other) this.pinch(before, place, other);
    else if (this.gesture === "pan") this.pan(place.x - before.x, place.y - before.y);
    else if (this.gesture === "wait" && distance(place, this.start) > SLOP) this.startTool();
    if (this.gesture === "draw") this.tool.move(this.toPicture(place));
  }

  /** Two fingers: what lies under each stays under it. */
  pinch(before, now, other) {
    const middle = (a) => ({ x: (a.x + other.x) / 2, y: (a.y + other.y) / 2 });
    this.pan(middle(now).x - middle(before).x, middle(now).y - middle(before).y);
    this.zoom((this.view.scale * distance(now, other)) / Math.max(distance(before, other), 1), middle(now));
  }

  /** A finger that a pinch leaves does nothing. */
  release(event) {
    const isUp = event.type === "pointerup";
    if (isUp && this.gesture === "wait") this.startTool(); // a tap
    this.stopTool(isUp ? "end" : "cancel");
    this.pointers.delete(event.pointerId);
  }

  startTool(point = this.toPicture(this.start)) {
    clearTimeout(this.timer);
    this.gesture = "draw";
    this.tool.begin(point);
  }

  stopTool(how) {
    clearTimeout(this.timer);
    if (this.gesture === "draw") this.tool[how]();
    this.gesture = null;
  }

  wheel(event) {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan(-event.deltaX - event.deltaY, 0);
    else this.zoom(this.view.scale * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), this.at(event));
  }

  /** Arrows move the picture, or a tool's cursor that the space bar uses. */
  key(event) {
    if (event.target !== this.element || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && this.tool) this.moveCursor(arrow, event.shiftKey ? 10 : 1);
    else if (arrow) this.pan(-arrow[0] * PAN, -arrow[1] * PAN);
    else if (event.key === " " || event.key === "Enter") this.useCursor(event);
    else return;
    event.preventDefault();
  }

  /** Step by about six screen pixels, so that it is one pixel of the picture where each can be seen. */
  moveCursor([x, y], times) {
    const step = Math.max(Math.round(6 / this.view.scale), 1) * times;
    const from = this.cursor ?? this.toPicture({ x: this.frame.width / 2, y: this.frame.height / 2 });
    const to = (start, way, length) => clamp(Math.round(start) + way * step, 0, length - 1);
    this.cursor = { x: to(from.x, x, this.size.width), y: to(from.y, y, this.size.height) };
    this.reveal();
    this.onCursor(this.cursor, true);
    if (this.space && this.gesture === "draw") this.tool.move(this.cursor);
  }

  /** Move the picture so that the cursor can be seen. */
  reveal() {
    const { width, height } = this.frame;
    const { scale, x, y } = this.view;
    const into = (place, end) => clamp(place, 20, end - 20) - place;
    const [right, down] = [into(this.cursor.x * scale + x, width), into(this.cursor.y * scale + y, height)];
    if (right || down) this.pan(right, down);
  }

  /** The space bar draws where the cursor is, and Enter, too, which brings it; else it holds the picture. */
  useCursor({ key, repeat }) {
    this.space = true;
    if (this.tool && !this.cursor && key === "Enter") this.moveCursor([0, 0], 1);
    if (this.tool && this.cursor && !repeat && !this.gesture) this.startTool(this.cursor);
  }

  releaseKeys() {
    if (this.space && this.gesture === "draw" && !this.pointers.size) this.stopTool("end");
    this.space = false;
  }
}

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
const clamp = (value, smallest, largest) => Math.max(Math.min(value, largest), smallest);
