/** The panel: what was found, the settings, progress and results of the picture that is open. */

import * as api from "./api.js";
import { find, icon, iconButton, itemize, make, setStyle, thumbnail } from "./elements.js";
import { current } from "./list.js";
import { isEdited, isEmpty } from "./mask.js";
import { texts } from "./texts.js";

const inputs = () => [...find("panel").querySelectorAll("input[name]")];
const keyOf = ({ id, name }) => id || name; // radio buttons have no id
const readInput = ({ type, checked, value, valueAsNumber }) =>
  type === "radio" ? value : type === "checkbox" ? checked : valueAsNumber || 0;

/** What the controls say, as a plain object. */
function readControls() {
  const chosen = inputs().filter(({ type, checked }) => type !== "radio" || checked);
  return Object.fromEntries(chosen.map((input) => [keyOf(input), readInput(input)]));
}

function writeControls(values) {
  for (const input of inputs()) {
    const value = values[keyOf(input)];
    if (input.type === "radio") input.checked = input.value === value;
    else if (input.type === "checkbox") input.checked = value;
    else input.value = value;
  }
}

// Browsers may keep what was set before the page was loaded anew.
for (const input of inputs()) Object.assign(input, { checked: input.defaultChecked, value: input.defaultValue });
const DEFAULTS = readControls();

/** What the controls are at first: the proposal of the server. */
export function proposed({ proposal, mask: held }) {
  const { model = "auto", ...settings } = proposal?.settings ?? {};
  const mask = ["given", "edited"].includes(held) ? "given" : model === "auto" ? "auto" : "none";
  const verb = proposal?.verb === "colorize" ? "colorize" : "restore";
  return { ...DEFAULTS, ...settings, verb, mask, always: proposal?.verb === "none" };
}

/** Take note of what the controls say, once some are set. */
export function change(controls) {
  if (controls) writeControls({ ...current.controls, ...controls });
  current.controls = readControls();
  showAction();
}

/** Marks that a hand has changed are the mask from then on. */
export const marksChanged = () => change(isEdited(current.marks) && { mask: "given" });

export function setHints(hints) {
  if (hints !== current.hints) showHints(hints);
  Object.assign(current, { hints, ran: null });
  showAction();
}

/** The settings of the verb as the server takes them: its controls that are enabled, by their names. */
export function readSettings({ picture, controls: { verb }, hints }) {
  const isOwn = (input) => input.matches(`#force, #${verb}-settings :enabled:is(:checked, :not([type=radio]))`);
  const settings = Object.fromEntries(
    inputs()
      .filter(isOwn)
      .map((input) => [input.name, readInput(input)]),
  );
  if (verb === "restore") return { ...settings, model: picture.proposal?.settings.model };
  return { ...settings, hints: hints.map(({ x, y, color }) => [x, y, color]) };
}

/** Show all of the picture but its results. */
export function show() {
  const { picture, controls, hints } = current;
  const nothing = picture.proposal?.verb === "none";
  const list = find("findings");
  itemize(list, [...(nothing ? [picture.proposal.label] : []), ...(picture.findings ?? [texts.looking])]);
  list.classList.toggle("nothing", nothing);
  if (nothing) list.firstChild.prepend(icon("done"));
  find("about").textContent = texts.about(picture);
  find("estimate").textContent = texts.estimate(picture.estimate);
  writeControls(controls);
  showHints(hints);
  showProgress();
  showAction();
}

/** The main button says what it does: the proposal, or what has been set since. A warning has to be ticked away. */
export function showAction() {
  const { picture, controls, marks, ran } = current;
  find("sensitivity").disabled = controls.mask !== "auto";
  find("strength").disabled = controls.mask === "given";
  for (const slider of document.querySelectorAll(".sliders input")) slider.nextElementSibling.value = slider.value;
  const warning = picture.domain?.[controls.verb] ?? "";
  find("domain-text").textContent = warning;
  const isMarked = controls.verb === "restore" && controls.mask === "given";
  const isProposed = !isMarked && isSame(controls, proposed(picture));
  const nothing = isProposed && picture.proposal?.verb === "none";
  const own = { restore: isMarked ? texts.fillMarked : texts.restoreSo, colorize: texts.colorSo }[controls.verb];
  const button = find("run");
  button.textContent = nothing ? texts.restoreAnyway : isProposed ? (picture.proposal?.label ?? texts.restore) : own;
  button.classList.toggle("primary", !nothing && !(ran && isSame(controls, ran)));
  const ready = isMarked ? !isEmpty(marks) : picture.findings; // what is marked need not be looked for
  button.disabled = !ready || (warning && !controls.force);
  const note = isEmpty(marks) ? texts.nothingMarked : controls.tones ? texts.givenAndTones : texts.givenMarks;
  const found = isEmpty(marks) ? "" : texts.foundMarks;
  find("mask-note").textContent = { given: note, auto: found, none: "" }[controls.mask];
}

/** Whether the controls are as others: consent changes nothing. */
export const isSame = (controls, others) =>
  Object.keys(controls).every((name) => name === "force" || controls[name] === others[name]);

/** Show how far the job of a picture is, while there is one: the button that cancels it takes the place of the main one. */
export function showProgress() {
  const { job } = current;
  const hadFocus = [find("run"), find("cancel")].includes(document.activeElement);
  find("action").classList.toggle("busy", Boolean(job));
  if (hadFocus) find(job ? "cancel" : "run").focus();
  if (!job) return;
  const bar = find("progress");
  if (job.total) Object.assign(bar, { max: job.total, value: job.done });
  else bar.removeAttribute("value");
  find("progress-text").textContent = texts.running(job);
}

/** Show the hints, each with its color to change and a button to remove it, and on the picture. */
function showHints(hints) {
  const styles = hints.map(({ x, y, color }) => `--px: ${x + 0.5}; --py: ${y + 0.5}; --color: ${color}`);
  const points = styles.map((style) => make("span", { className: "point", style }));
  const rows = hints.map((hint, i) => {
    const color = make("input", { type: "color", value: hint.color, ariaLabel: texts.hint(hint) });
    color.oninput = () => {
      hint.color = color.value;
      setStyle(points[i], { "--color": hint.color });
      setHints(hints);
    };
    const remove = () => setHints(hints.toSpliced(i, 1));
    const removal = iconButton("close", texts.remove(texts.hint(hint)), { onclick: remove });
    return make("li", {}, color, make("span", {}, texts.hint(hint)), removal);
  });
  find("hints").replaceChildren(...rows);
  find("points").replaceChildren(...points);
}

/** Show the results as thumbnails, and what is to be said of the one that is chosen. */
export function showResults() {
  const { picture, chosen, made } = current;
  const images = picture.results.filter(({ what }) => /^(after|sample-\d+)$/.test(what));
  const result = images.find(({ what }) => what === chosen);
  find("results").hidden = !result;
  if (!result) return;
  find("kept").textContent = texts.file(result, picture.kept);
  itemize(find("remarks"), made?.remarks ?? []);
  find("command").textContent = made?.command ?? "";
  find("overlay-line").hidden = !picture.results.some(({ what }) => what === "uncertainty");
  const buttons = (images.length > 1 ? images : []).map(({ what }) => {
    const image = thumbnail(api.image(picture.id, what, { side: 192 }));
    const properties = { value: what, ariaPressed: String(what === chosen) };
    return make("button", properties, image, make("span", {}, texts.result(what)));
  });
  find("thumbnails").replaceChildren(...buttons);
}
