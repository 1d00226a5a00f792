/** The list of the pictures that are open, and of those of the folder. */

import * as api from "./api.js";
import { find, icon, iconButton, make } from "./elements.js";
import { texts } from "./texts.js";

export class List {
  constructor(onOpen, onRemove) {
    Object.assign(this, { onOpen, onRemove });
    this.entries = new Map(); // by id: all that the page knows of a picture, {picture, thumbnail, mask, controls, ...}
  }

  /** Add a picture, or what is new of it; return its entry. */
  put(picture) {
    const entry = this.entries.get(picture.id) ?? {};
    entry.picture = { ...entry.picture, ...picture };
    this.entries.set(picture.id, entry);
    return entry;
  }

  /** Take a picture off; return the id of another one. */
  drop(id) {
    this.entries.delete(id);
    return this.entries.keys().next().value;
  }

  async addThumbnail(id) {
    const entry = this.entries.get(id);
    entry.thumbnail ??= URL.createObjectURL(await api.image(id, "before", { side: 160 }));
  }

  /** Show all. */
  show() {
    const entries = [...this.entries.values()];
    find("list").replaceChildren(...entries.map((entry) => this.item(entry)));
    find("pictures").hidden = entries.length < 2 && !entries.some(({ picture }) => picture.in_folder);
    find("zip").hidden = !entries.some(({ picture }) => picture.state === "done");
  }

  item({ picture, thumbnail, isShown }) {
    const { id, name, state } = picture;
    const image = thumbnail ? make("img", { src: thumbnail, alt: "" }) : icon("picture");
    const said = make("span", { className: `state ${state}` }, texts.states[state] ?? state);
    const button = make("button", { title: name, onclick: () => this.onOpen(id) }, image, make("span", {}, name), said);
    if (isShown) button.ariaCurrent = "true";
    const removal = iconButton("close", texts.remove(name), () => this.onRemove(id));
    return make("li", {}, button, ...(picture.in_folder ? [] : [removal]));
  }
}
