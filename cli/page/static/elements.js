/** Elements of the page: found by id, made, and those that say something to all and to screen readers. */

export const find = (id) => document.getElementById(id);

/** Make an element with properties and children. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Set properties of CSS. */
export function setStyle(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}

/** A list of sentences in the place of an element's children. */
export function itemize(element, sentences) {
  element.replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
  element.hidden = !sentences.length;
}

/** An icon of `icons.svg`. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.innerHTML = `<use href="icons.svg#${name}"/>`;
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** A button with an icon alone, and its name. */
export const iconButton = (name, label, onclick) =>
  make("button", { className: "quiet round", title: label, ariaLabel: label, onclick }, icon(name));

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
