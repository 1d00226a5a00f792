/** Before and after on top of each other, the slider between them, and the expected error as an overlay. */

import * as api from "./api.js";
import { find, setStyle } from "./elements.js";

const SIDE = 2048; // of a preview, pixels
const DETAIL = 3072; // of such a part, pixels a side
const PAUSE = 180; // ms without a movement before a part is asked for

/** One version of the picture: a preview, and over it the part in sight in full. */
class Layer {
  constructor(element) {
    this.element = element;
    this.images = ["preview", "detail"].map(() => Object.assign(new Image(), { alt: "", draggable: false }));
    element.firstElementChild.append(...this.images);
  }

  /** Show a version; the layer is empty without one. */
  async show(picture, what) {
    Object.assign(this, { picture, what });
    this.element.hidden = !what;
    for (const image of this.images) image.hidden = true;
    if (what) await this.load(this.images[0], { side: SIDE });
  }

  async showDetail(part) {
    if (this.what) await this.load(this.images[1], part);
  }

  async load(image, parameters) {
    const { picture, what } = this;
    const blob = await api.image(picture.id, what, parameters);
    if (this.picture !== picture || this.what !== what) return; // another was asked for meanwhile
    const { x, y, width, height } = parameters;
    if (width) setStyle(image, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(blob);
    await image.decode().catch(() => {}); // replaced by another meanwhile
    image.hidden = false;
  }
}

export class Compare {
  constructor(stage) {
    this.stage = stage;
    this.before = new Layer(find("before"));
    this.after = new Layer(find("after"));
    this.error = find("expected-error");
    this.parts = ["slider", "divider", "before-tag", "after-tag"].map(find);
    find("slider").addEventListener("input", () => this.divide());
  }

  async open(picture) {
    this.picture = picture;
    this.error.hidden = true;
    await Promise.all([this.choose(null), this.before.show(picture, "before")]);
  }

  /** Show a result, "after" or "sample-1"; null for the picture alone. */
  async choose(what) {
    await this.after.show(this.picture, what);
    for (const part of this.parts) part.hidden = !what;
    this.divide();
    this.place(this.stage.view);
  }

  divide() {
    const share = find("slider").value;
    setStyle(this.stage.element, { "--share": share });
    find("slider").ariaValueText = `${Math.round(share * 100)} %`;
  }

  /** Show or hide where the result is unsure. */
  async showError(shown) {
    this.error.hidden = !shown;
    if (!shown) return;
    const url = URL.createObjectURL(await api.image(this.picture.id, "uncertainty", { side: SIDE }));
    this.error.firstElementChild.style.maskImage = `url(${url})`;
  }

  /** Follow the view of the stage. */
  place({ scale, x, y }) {
    const { size, element } = this.stage;
    setStyle(element, { "--x": `${x}px`, "--y": `${y}px`, "--scale": scale });
    setStyle(element, { "--w": `${size.width}px`, "--h": `${size.height}px` });
    element.classList.toggle("enlarged", scale >= 3);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.showDetails(), PAUSE);
  }

  /** Where the screen has as many pixels as the picture, or more than the preview, show the part in sight exactly. */
  showDetails() {
    const { size, view, frame } = this.stage;
    const enough = view.scale * devicePixelRatio < Math.min(SIDE / Math.max(size.width, size.height), 1);
    const from = this.stage.toPicture({ x: 0, y: 0 });
    const to = this.stage.toPicture({ x: frame.width, y: frame.height });
    const x = Math.max(Math.floor(from.x), 0);
    const y = Math.max(Math.floor(from.y), 0);
    const width = Math.min(Math.ceil(to.x), size.width) - x;
    const height = Math.min(Math.ceil(to.y), size.height) - y;
    if (enough || width > DETAIL || height > DETAIL) return;
    for (const layer of [this.before, this.after]) layer.showDetail({ x, y, width, height }).catch(() => {}); // previews stay
  }
}
