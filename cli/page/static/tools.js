/** The tools of the stage: brush and eraser for marks, and the drop for color hints. */

import { find, say, setStyle } from "./elements.js";
import { current } from "./list.js";
import * as mask from "./mask.js";
import * as panel from "./panel.js";
import * as stage from "./stage.js";
import { texts } from "./texts.js";

const painter = (erases) => ({
  ...mask, // move, end and cancel
  begin: (point) => mask.begin(point, find("size").valueAsNumber, erases),
});
const hint = { begin() {}, move() {}, end: setHint, cancel() {} };
const TOOLS = { view: null, brush: painter(false), erase: painter(true), hint };
const VERBS = { brush: "restore", erase: "restore", hint: "colorize" }; // that they serve

/** A hint is set where the pointer is let go. */
function setHint(point) {
  const { width, height } = current.picture;
  const [x, y] = [Math.floor(point.x), Math.floor(point.y)];
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  panel.setHints([...current.hints, { x, y, color: find("color").value }]);
  say(texts.hint({ x, y }));
}

export function use(name) {
  document.body.dataset.tool = name;
  stage.use(TOOLS[name]);
  for (const button of find("tools").querySelectorAll("[data-tool]")) {
    button.ariaPressed = String(button.dataset.tool === name);
  }
  if (name in VERBS) panel.change({ verb: VERBS[name] });
  point({ place: stage.cursor });
}

find("stage").addEventListener("point", ({ detail }) => point(detail));

/** Show where the tool is, and how large; where keys move it, its place is said. */
function point({ place, isSaid = false }) {
  const ring = find("brush");
  const { tool } = document.body.dataset;
  ring.hidden = !place || tool === "view";
  if (ring.hidden) return;
  const size = tool === "hint" ? 0 : find("size").value;
  setStyle(ring, { "--px": place.x + 0.5, "--py": place.y + 0.5, "--size": size });
  if (isSaid) say(texts.cursor(place));
}

/** Make the brush larger (1) or smaller (-1). */
export function resize(way) {
  const size = find("size");
  size.stepUp(way * Math.ceil(size.value / 5));
  setStyle(find("brush"), { "--size": size.value });
}
