/** The tools of the stage: brush and eraser for marks, and the drop for color hints. */

import { find, say, setStyle } from "./elements.js";
import { texts } from "./texts.js";

export class Tools {
  /** `entry()` is the open picture; `onTool` gets the name of a chosen tool, `onHint` a new hint. */
  constructor(stage, entry, onTool, onHint) {
    Object.assign(this, { stage, entry, onTool, onHint });
    this.all = { view: null, brush: this.painter(false), erase: this.painter(true), hint: this.hinter() };
    this.buttons = document.querySelectorAll("#tools [data-tool]");
    for (const button of this.buttons) button.addEventListener("click", () => this.use(button.dataset.tool));
  }

  painter(erases) {
    return {
      begin: (point) => this.entry().mask.begin(point, find("size").valueAsNumber, erases),
      move: (point) => this.entry().mask.extend(point),
      end: () => this.entry().mask.end(),
      cancel: () => this.entry().mask.cancel(),
    };
  }

  /** A hint is set where the pointer is let go. */
  hinter() {
    let at;
    const move = (point) => {
      at = { x: Math.floor(point.x), y: Math.floor(point.y) };
    };
    const end = () => {
      const { width, height } = this.entry().picture;
      const inside = at.x >= 0 && at.y >= 0 && at.x < width && at.y < height;
      if (inside) this.onHint({ ...at, color: find("color").value });
    };
    return { begin: move, move, end, cancel: () => {} };
  }

  use(name) {
    document.body.dataset.tool = name;
    this.stage.tool = this.all[name];
    for (const button of this.buttons) button.ariaPressed = String(button.dataset.tool === name);
    this.onTool(name);
    this.point(this.stage.cursor);
  }

  /** Show where the tool is, and how large; where keys move it, its place is said. */
  point(place, isSaid = false) {
    const ring = find("brush");
    ring.hidden = !place || !this.stage.tool;
    if (ring.hidden) return;
    const size = this.stage.tool === this.all.hint ? 0 : find("size").value;
    setStyle(ring, { "--px": place.x + 0.5, "--py": place.y + 0.5, "--size": size });
    if (isSaid) say(texts.cursor(place));
  }

  /** Make the brush larger or smaller. */
  resize(factor) {
    const size = find("size");
    const before = size.valueAsNumber;
    size.value = factor > 1 ? Math.max(before * factor, before + 1) : before * factor;
    setStyle(find("brush"), { "--size": size.value });
  }
}
