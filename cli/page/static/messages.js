/** What the page says: a line for screen readers, and errors for all. */

import { find } from "./elements.js";

export function say(sentence) {
  find("status").textContent = sentence;
}

export function complain(error) {
  find("error").firstChild.textContent = error.message;
  find("error").hidden = false;
}

/** What a control does, with its error shown. */
export const safely =
  (action) =>
  async (...given) => {
    try {
      await action(...given);
    } catch (error) {
      complain(error);
    }
  };
