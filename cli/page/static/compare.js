/** Before and after on top of each other, the slider between them, and the expected error as an overlay. */

import * as api from "./api.js";
import { find, make, setStyle, showImage } from "./elements.js";
import * as stage from "./stage.js";
import { texts } from "./texts.js";

const SIDE = 2048; // of a preview, pixels
const DETAIL = 3072; // of such a part, pixels a side
const PAUSE = 180; // ms without a movement before a part is asked for

/** One version of the picture: a preview, and over it the part in sight in full. */
class Layer {
  constructor(id) {
    this.element = find(id);
    this.images = ["preview", "detail"].map(() => make("img", { alt: "", draggable: false }));
    this.element.firstElementChild.append(...this.images);
  }

  /** Show a version; the layer is empty without one. */
  async show(id, what) {
    Object.assign(this, { id, what });
    this.element.hidden = !what;
    for (const image of this.images) Object.assign(image, { hidden: true, asked: null });
    if (what) await showImage(this.images[0], api.image(id, what, { side: SIDE }));
  }

  async showDetail(part) {
    const place = `left: ${part.x}px; top: ${part.y}px; width: ${part.width}px; height: ${part.height}px`;
    if (this.what) await showImage(this.images[1], api.image(this.id, this.what, part), place);
  }
}

const before = new Layer("before");
const after = new Layer("after");
const slider = find("slider");
let timer;

slider.addEventListener("input", divide);
find("stage").addEventListener("view", place);
divide();

/** Show a picture, and a result of it, "after" or "sample-1"; null for the picture alone. */
export async function show(id, result) {
  find("overlay").checked = false;
  showError();
  const shown = [after.show(id, result), before.id !== id && before.show(id, "before")];
  place();
  await Promise.all(shown);
}

function divide() {
  setStyle(find("stage"), { "--share": slider.value });
  slider.ariaValueText = `${Math.round(slider.value * 100)} %`;
}

/** Show where the result is unsure, or no longer, as the checkbox says. */
export async function showError() {
  const [error, { checked }] = [find("expected-error"), find("overlay")];
  error.hidden = true;
  if (!checked) return;
  const url = URL.createObjectURL(await api.image(before.id, "uncertainty", { side: SIDE }));
  error.firstElementChild.style.maskImage = `url(${url})`;
  error.hidden = !find("overlay").checked;
}

/** Follow the view of the stage. */
function place() {
  const { scale, x, y } = stage.view;
  const element = find("stage");
  setStyle(element, { "--x": `${x}px`, "--y": `${y}px`, "--scale": scale });
  setStyle(element, { "--w": `${stage.size.width}px`, "--h": `${stage.size.height}px` });
  element.classList.toggle("enlarged", scale >= 3);
  find("fit").textContent = texts.zoom(scale * devicePixelRatio);
  clearTimeout(timer);
  timer = setTimeout(showDetails, PAUSE);
}

/** Where the screen has as many pixels as the picture, or more than the preview, show the part in sight exactly. */
function showDetails() {
  const { size, view } = stage;
  const frame = stage.frame();
  const enough = view.scale * devicePixelRatio < Math.min(SIDE / Math.max(size.width, size.height), 1);
  const from = stage.toPicture({ x: 0, y: 0 });
  const to = stage.toPicture({ x: frame.width, y: frame.height });
  const [x, y] = [from.x, from.y].map((start) => Math.max(Math.floor(start), 0));
  const width = Math.min(Math.ceil(to.x), size.width) - x;
  const height = Math.min(Math.ceil(to.y), size.height) - y;
  if (enough || width > DETAIL || height > DETAIL) return;
  for (const layer of [before, after]) layer.showDetail({ x, y, width, height }).catch(() => {}); // previews stay
}
