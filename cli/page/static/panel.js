/** The panel: what was found, the settings, progress and results of the picture that is open. */

import * as api from "./api.js";
import { find, icon, iconButton, itemize, make } from "./elements.js";
import { texts } from "./texts.js";

const NUMBERS = ["sensitivity", "strength", "tones", "saturation", "samples", "seed", "colorings", "color-seed"];
const TICKS = ["uncertainty", "always", "colorize", "force"];

const chosenOf = (name) => document.querySelector(`input[name=${name}]:checked`).value;
const choose = (name, value) => (document.querySelector(`input[name=${name}][value=${value}]`).checked = true);

/** What the controls say, as a plain object. */
export function readControls() {
  const numbers = NUMBERS.map((id) => [id, find(id).valueAsNumber || 0]);
  const ticks = TICKS.map((id) => [id, find(id).checked]);
  return { verb: chosenOf("verb"), mask: chosenOf("mask"), ...Object.fromEntries([...numbers, ...ticks]) };
}

/** Set the controls. */
export function writeControls(values) {
  for (const id of NUMBERS) find(id).value = values[id];
  for (const id of TICKS) find(id).checked = values[id];
  choose("verb", values.verb);
  choose("mask", values.mask);
  showControls();
}

/** Show the settings of the verb, and the numbers of the sliders. */
export function showControls() {
  const { verb, mask } = readControls();
  find("restore-settings").hidden = verb !== "restore";
  find("colorize-settings").hidden = verb !== "colorize";
  find("sensitivity").disabled = mask !== "auto";
  find("strength").disabled = mask === "given";
  for (const slider of document.querySelectorAll(".sliders input")) slider.nextElementSibling.value = slider.value;
}

/** What the controls are at first: the proposal of the server. */
export function proposed({ proposal, mask: held }) {
  const { model = "auto", samples = 0, ...settings } = proposal?.settings ?? {};
  const mask = ["given", "edited"].includes(held) ? "given" : model === "auto" ? "auto" : "none";
  return {
    verb: proposal?.verb === "colorize" ? "colorize" : "restore",
    ...{ mask, sensitivity: 0.5, strength: 1, tones: 0, samples, seed: 0, uncertainty: false },
    ...{ always: proposal?.verb === "none", colorize: false, force: false },
    ...{ saturation: 1, colorings: Math.max(samples, 1), "color-seed": 0 },
    ...settings,
  };
}

/** The settings of a verb as the server takes them. */
export function settingsOf(controls, model, hints) {
  const { verb, mask, force, always } = controls;
  const named = model ? { model } : {};
  if (verb === "colorize") {
    const { colorings, saturation } = controls;
    return { ...named, samples: colorings, seed: controls["color-seed"], saturation, hints, force };
  }
  const { tones, samples, seed, uncertainty, colorize } = controls;
  const settings = { ...named, mask, tones, samples, seed, uncertainty, colorize, force, always };
  if (mask === "auto") settings.sensitivity = controls.sensitivity;
  if (mask !== "given") settings.strength = controls.strength;
  return settings;
}

/** Show what the server says of a picture. */
export function showFindings({ picture, controls }) {
  const nothing = picture.proposal?.verb === "none";
  const list = find("findings");
  itemize(list, [...(nothing ? [picture.proposal.label] : []), ...(picture.findings ?? [texts.looking])]);
  list.classList.toggle("nothing", nothing);
  if (nothing) list.firstChild.prepend(icon("done"));
  find("about").textContent = texts.about(picture);
  find("estimate").textContent = picture.estimate ? texts.estimate(picture.estimate) : "";
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

/** Show how far a job is; null when there is none. */
export function showProgress(job) {
  find("running").hidden = !job;
  find("run").hidden = find("estimate").hidden = Boolean(job);
  if (!job) return;
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
  const points = hints.map(({ x, y, color }) => {
    const point = make("span", { className: "point" });
    for (const [name, value] of Object.entries({ "--px": x + 0.5, "--py": y + 0.5, "--color": color })) {
      point.style.setProperty(name, value);
    }
    return point;
  });
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
  const buttons = images.map(({ what }) => {
    const button = make("button", { ariaPressed: String(what === result.what), onclick: () => onChoose(what) });
    button.append(make("img", { alt: "" }), make("span", {}, texts.result(what)));
    return button;
  });
  find("thumbnails").replaceChildren(...buttons);
  find("thumbnails").hidden = images.length < 2;
  if (images.length < 2) return;
  for (const [i, { what }] of images.entries()) {
    const blob = await api.image(picture.id, what, { side: 192 });
    buttons[i].firstChild.src = URL.createObjectURL(blob);
  }
}
