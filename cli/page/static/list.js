/** The pictures that are open, and those of the folder: what the page knows of each, and their list. */

import * as api from "./api.js";
import { find, icon, iconButton, make, thumbnail } from "./elements.js";
import { texts } from "./texts.js";

export const entries = new Map(); // by id: {picture, button, marks, controls, hints, chosen, job, made, ran}
export let current = null; // the entry that is shown

/** Add a picture, or what is new of it; return its entry. */
export function put(picture) {
  const { id, state, width } = picture;
  if (!entries.has(id)) entries.set(id, { button: add(picture) });
  const entry = entries.get(id);
  entry.picture = { ...entry.picture, ...picture };
  const [image, , said] = entry.button.children;
  if (width && image.matches("svg")) image.replaceWith(thumbnail(api.image(id, "before", { side: 160 })));
  Object.assign(said, { className: `state ${state}`, textContent: texts.states[state] ?? state });
  return entry;
}

function add({ id, name, in_folder: isOfFolder }) {
  const button = make("button", { title: name, value: id }, icon("picture"), make("span", {}, name), make("span"));
  const removal = iconButton("close", texts.remove(name), { value: id });
  find("list").append(make("li", {}, button, ...(isOfFolder ? [] : [removal])));
  return button;
}

export function choose(entry) {
  current?.button.removeAttribute("aria-current");
  current = entry;
  current.button.ariaCurrent = "true";
}

/** Take a picture off; return the id of another one. */
export function drop(id) {
  entries.get(id).button.parentElement.remove();
  entries.delete(id);
  return entries.keys().next().value;
}
