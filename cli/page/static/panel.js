/** The panel: what was found, the settings, progress and results of the picture that is open. */

import * as api from "./api.js";
import { find, icon, iconButton, itemize, make, setStyle } from "./elements.js";
import { texts } from "./texts.js";

const inputs = () => [...find("panel").querySelectorAll("input[name]")];
const keyOf = ({ id, name }) => id || name; // radio buttons have no id
const readInput = ({ type, checked, value, valueAsNumber }) =>
  type === "radio" ? value : type === "checkbox" ? checked : valueAsNumber || 0;

/** What the controls say, as a plain object. */
export function readControls() {
  const chosen = inputs().filter(({ type, checked }) => type !== "radio" || checked);
  return Object.fromEntries(chosen.map((input) => [keyOf(input), readInput(input)]));
}

/** Set the controls. */
export function writeControls(values) {
  for (const input of inputs()) {
    const value = values[keyOf(input)];
    if (input.type === "radio") input.checked = input.value === value;
    else if (input.type === "checkbox") input.checked = value;
    else input.value = value;
  }
  showControls();
}

/** Show the settings of the verb, and the numbers of the sliders; what has no effect with a mask is disabled. */
export function showControls() {
  const { verb, mask } = readControls();
  find("restore-settings").hidden = verb !== "restore";
  find("colorize-settings").hidden = verb !== "colorize";
  find("sensitivity").disabled = mask !== "auto";
  find("strength").disabled = mask === "given";
  for (const slider of document.querySelectorAll(".sliders input")) slider.nextElementSibling.value = slider.value;
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

/** The settings of the verb as the server takes them: its controls that are enabled, by their names. */
export function readSettings({ picture, hints }) {
  const { verb } = readControls();
  const own = inputs().filter((input) =>
    input.matches(`#force, #${verb}-settings :enabled:is(:checked, :not([type=radio]))`),
  );
  const settings = Object.fromEntries(own.map((input) => [input.name, readInput(input)]));
  return verb === "colorize" ? { ...settings, hints } : { ...settings, model: picture.proposal?.settings.model };
}

/** Show what the server says of a picture. */
export function showFindings({ picture, controls }) {
  const nothing = picture.proposal?.verb === "none";
  const list = find("findings");
  itemize(list, [...(nothing ? [picture.proposal.label] : []), ...(picture.findings ?? [texts.looking])]);
  list.classList.toggle("nothing", nothing);
  if (nothing) list.firstChild.prepend(icon("done"));
  find("about").textContent = texts.about(picture);
  find("estimate").textContent = texts.estimate(picture.estimate);
  writeControls(controls);
}

/** The main button says what it does: the proposal, or what has been set since. A warning has to be ticked away. */
export function showAction({ picture, mask, ran }) {
  const controls = readControls();
  const warning = picture.domain?.[controls.verb];
  find("domain").hidden = !warning;
  find("domain-text").textContent = warning ?? "";
  const button = find("run");
  const same = isSame(controls, proposed(picture));
  button.textContent = same ? actionOf(picture.proposal) : settingOf(controls);
  button.classList.toggle("primary", !(ran && isSame(controls, ran)) && !(same && picture.proposal?.verb === "none"));
  const marks = controls.verb === "restore" && controls.mask === "given";
  const ready = marks ? !mask.empty : picture.findings; // what is marked need not be looked for
  button.disabled = !ready || (Boolean(warning) && !controls.force);
  const note = mask.empty ? texts.nothingMarked : controls.tones ? texts.givenAndTones : texts.givenMarks;
  const found = mask.empty ? "" : texts.foundMarks;
  find("mask-note").textContent = { given: note, auto: found, none: "" }[controls.mask];
}

/** Whether the controls are as others: consent changes nothing. */
export const isSame = (controls, others) =>
  Object.keys(controls).every((name) => name === "force" || controls[name] === others[name]);

/** What the button says for a proposal, and for what was set by hand. */
const actionOf = (proposal) => (proposal?.verb === "none" ? texts.restoreAnyway : (proposal?.label ?? texts.restore));
const settingOf = ({ verb, mask }) =>
  verb === "colorize" ? texts.colorSo : mask === "given" ? texts.fillMarked : texts.restoreSo;

/** Show how far the job of a picture is, while it is running. */
export function showProgress({ running, job }) {
  find("running").hidden = !running;
  find("run").hidden = find("estimate").hidden = running;
  if (!running) return;
  const bar = find("progress");
  if (job.total) Object.assign(bar, { max: job.total, value: job.done });
  else bar.removeAttribute("value");
  find("progress-text").textContent = texts.running(job);
}

/** Show the hints, each with its color to change and a button to remove it. */
export function showHints(hints, onChange) {
  const rows = hints.map((hint, i) => {
    const color = make("input", { type: "color", value: hint.color, ariaLabel: texts.hint(hint) });
    color.oninput = () => onChange(hints.with(i, { ...hint, color: color.value }), false);
    const removal = iconButton("close", texts.remove(texts.hint(hint)), () => onChange(hints.toSpliced(i, 1), true));
    return make("li", {}, color, make("span", {}, texts.hint(hint)), removal);
  });
  find("hints").replaceChildren(...rows);
  find("no-hints").hidden = hints.length > 0;
  showPoints(hints);
}

/** Show the hints on the picture. */
export function showPoints(hints) {
  const points = hints.map(({ x, y, color }) =>
    setStyle(make("span", { className: "point" }), { "--px": x + 0.5, "--py": y + 0.5, "--color": color }),
  );
  find("points").replaceChildren(...points);
}

/** Show the results of a picture as thumbnails; `onChoose` gets the one that is chosen. */
export async function showResults({ picture, chosen, made }, onChoose) {
  const images = picture.results.filter(({ what }) => /^(after|sample-\d+)$/.test(what));
  find("results").hidden = !images.length;
  if (!images.length) return;
  const result = images.find(({ what }) => what === chosen) ?? images[0];
  find("kept").textContent = texts.file(result, picture.kept);
  itemize(find("remarks"), made?.remarks ?? []);
  find("command").textContent = made?.command ?? "";
  find("command").parentElement.hidden = !made?.command;
  find("overlay-line").hidden = !picture.results.some(({ what }) => what === "uncertainty");
  const thumbnails = images.map(() => make("img", { alt: "" }));
  const buttons = images.map(({ what }, i) => {
    const properties = { ariaPressed: String(what === result.what), onclick: () => onChoose(what) };
    return make("button", properties, thumbnails[i], make("span", {}, texts.result(what)));
  });
  find("thumbnails").replaceChildren(...buttons);
  find("thumbnails").hidden = images.length < 2;
  if (images.length < 2) return;
  for (const [i, { what }] of images.entries()) {
    thumbnails[i].src = URL.createObjectURL(await api.image(picture.id, what, { side: 192 }));
  }
}
