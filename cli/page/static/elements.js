/** Elements of the page: found by id, made, and those that say something to all and to screen readers. */

export const find = (id) => document.getElementById(id);

/** Make an element with properties and children. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

export function setStyle(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}

/** A list of sentences in the place of an element's children. */
export const itemize = (element, sentences) =>
  element.replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));

/** An icon of `icons.svg`. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.innerHTML = `<use href="icons.svg#${name}"/>`;
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** A button with an icon alone, and its name. */
export const iconButton = (name, label, properties) =>
  make("button", { className: "quiet round", title: label, ariaLabel: label, ...properties }, icon(name));

/** Show an image file that was asked for, with a style, unless another one is asked for meanwhile. */
export async function showImage(image, asked, style = "") {
  image.asked = asked;
  const url = URL.createObjectURL(await asked);
  if (image.asked === asked) Object.assign(image, { src: url, style });
  await image.decode().catch(() => {}); // another was
  URL.revokeObjectURL(url);
  image.hidden &&= image.asked !== asked;
}

/** An image that is there once its file is. */
export function thumbnail(asked) {
  const image = make("img", { alt: "" });
  showImage(image, asked).catch(() => {});
  return image;
}

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
  (...given) =>
    Promise.try(action, ...given).catch(complain);

/** Give the browser a file to save. */
export function save(file, name) {
  const link = make("a", { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
