/** The list of the pictures that are open, and of those of the folder. */

import * as api from "./api.js";
import { find, icon, iconButton, make } from "./elements.js";
import { texts } from "./texts.js";

export class List {
  constructor(onOpen, onRemove) {
    Object.assign(this, { onOpen, onRemove });
    this.entries = new Map(); // by id: pictures as the server describes them, and their thumbnails
  }

  /** Add a picture, or what is new of it. */
  put(picture) {
    this.entries.set(picture.id, { ...this.entries.get(picture.id), ...picture });
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

  /** Show all, and which is open. */
  show(current) {
    const entries = [...this.entries.values()];
    find("list").replaceChildren(...entries.map((entry) => this.item(entry, entry.id === current)));
    find("pictures").hidden = entries.length < 2 && find("folder").hidden;
    find("zip").hidden = !entries.some(({ state }) => state === "done");
  }

  item(entry, isCurrent) {
    const button = make("button", { title: entry.name, onclick: () => this.onOpen(entry.id) });
    const state = make("span", { className: `state ${entry.state}` }, texts.states[entry.state] ?? entry.state);
    button.append(entry.thumbnail ? make("img", { src: entry.thumbnail, alt: "" }) : icon("picture"));
    button.append(make("span", {}, entry.name), state);
    if (isCurrent) button.ariaCurrent = "true";
    const removal = iconButton("close", texts.remove(entry.name), () => this.onRemove(entry.id));
    return make("li", {}, button, ...(entry.in_folder ? [] : [removal]));
  }
}
