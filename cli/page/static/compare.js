/** Before and after on top of each other, the slider between them, and the expected error as an overlay. */

import * as api from "./api.js";

const SIDE = 2048; // of a preview, pixels
const DETAIL = 3072; // of such a part, pixels a side
const PAUSE = 180; // ms without a movement before a part is asked for

/** One version of the picture: a preview, and over it the part in sight in full. */
class Layer {
  constructor(element) {
    this.element = element;
    this.preview = element.firstElementChild.appendChild(new Image());
    this.detail = element.firstElementChild.appendChild(new Image());
    for (const image of [this.preview, this.detail]) Object.assign(image, { alt: "", draggable: false, hidden: true });
  }

  /** Show a version; the layer is empty without one. */
  async show(picture, what) {
    Object.assign(this, { picture, what });
    this.element.hidden = !what;
    this.preview.hidden = this.detail.hidden = true;
    if (!what) return;
    const blob = await api.image(picture.id, what, { side: SIDE });
    if (this.picture !== picture || this.what !== what) return; // another was asked for meanwhile
    await load(this.preview, blob);
  }

  async showDetail({ x, y, width, height }) {
    const { picture, what } = this;
    const blob = await api.image(picture.id, what, { x, y, width, height });
    if (this.picture !== picture || this.what !== what) return;
    Object.assign(this.detail.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    await load(this.detail, blob);
  }
}

/** Put a file into an image. */
async function load(image, blob) {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
  await image.decode().catch(() => {}); // replaced by another meanwhile
  image.hidden = false;
}

export class Compare {
  /** `find` gives an element of the page by its id. */
  constructor(find, stage) {
    this.stage = stage;
    this.before = new Layer(find("before"));
    this.after = new Layer(find("after"));
    this.error = find("expected-error");
    this.parts = ["slider", "divider", "before-tag", "after-tag"].map(find);
    [this.slider, this.divider, this.beforeTag, this.afterTag] = this.parts;
    this.slider.addEventListener("input", () => this.divide());
  }

  async open(picture) {
    this.picture = picture;
    for (const part of this.parts) part.hidden = true;
    this.error.hidden = true;
    await Promise.all([this.after.show(picture, null), this.before.show(picture, "before")]);
  }

  /** Show a result, "after" or "sample-1"; null for the picture alone. */
  async choose(what) {
    await this.after.show(this.picture, what);
    for (const part of this.parts) part.hidden = !what;
    this.place(this.stage.view);
  }

  /** Show or hide where the result is unsure. */
  async showError(shown) {
    this.error.hidden = !shown;
    if (!shown) return;
    const blob = await api.image(this.picture.id, "uncertainty", { side: SIDE });
    const url = URL.createObjectURL(blob);
    this.error.firstElementChild.style.maskImage = `url(${url})`;
  }

  /** Follow the view of the stage. */
  place({ scale, x, y }) {
    const { width, height } = this.stage.frame;
    const { size, element } = this.stage;
    const shown = { left: Math.max(x, 0), right: Math.min(x + size.width * scale, width) };
    this.shown = shown;
    const style = {
      "--x": `${x}px`,
      "--y": `${y}px`,
      "--scale": scale,
      "--w": `${size.width}px`,
      "--h": `${size.height}px`,
    };
    const edges = {
      "--left": shown.left,
      "--right": shown.right,
      "--top": Math.max(y, 0),
      "--bottom": Math.min(y + size.height * scale, height),
    };
    for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
    for (const [name, value] of Object.entries(edges)) element.style.setProperty(name, `${value}px`);
    element.classList.toggle("enlarged", scale >= 3);
    this.divide();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.showDetails(), PAUSE);
  }

  divide() {
    const { left, right } = this.shown ?? { left: 0, right: 0 };
    this.stage.element.style.setProperty("--divide", `${left + this.slider.value * (right - left)}px`);
    this.slider.ariaValueText = `${Math.round(this.slider.value * 100)} %`;
  }

  /** Where the screen has as many pixels as the picture, or more than the preview, show the part in sight exactly. */
  showDetails() {
    const { size, view, frame } = this.stage;
    const enough = view.scale * devicePixelRatio < Math.min(SIDE / Math.max(size.width, size.height), 1);
    const end = this.stage.toPicture({ x: frame.width, y: frame.height });
    const part = within(size, this.stage.toPicture({ x: 0, y: 0 }), end);
    if (enough || part.width > DETAIL || part.height > DETAIL) return;
    for (const layer of [this.before, this.after]) {
      if (layer.what) layer.showDetail(part).catch(() => {}); // the preview stays
    }
  }
}

/** The part of a picture between two corners, in whole pixels. */
function within(size, from, to) {
  const x = Math.max(Math.floor(from.x), 0);
  const y = Math.max(Math.floor(from.y), 0);
  return { x, y, width: Math.min(Math.ceil(to.x), size.width) - x, height: Math.min(Math.ceil(to.y), size.height) - y };
}
