/** The page: opens pictures, runs verbs, and connects stage, mask, comparison and panel. */

import * as api from "./api.js";
import { Compare } from "./compare.js";
import { complain, find, icon, make, safely, say } from "./elements.js";
import { List } from "./list.js";
import { Mask } from "./mask.js";
import * as panel from "./panel.js";
import { Stage } from "./stage.js";
import { fill, texts } from "./texts.js";
import { Tools } from "./tools.js";
import * as works from "./work.js";

const STEP = 1.25; // of a zoom by a key or button

const stage = new Stage(find("stage"), showView, (point, said) => tools.point(point, said));
const compare = new Compare(stage);
const tools = new Tools(stage, () => current, onTool, onHint);
const list = new List(safely(open), safely(remove));
let current = null; // the entry of the list that is open

function showView(view) {
  compare.place(view);
  find("fit").textContent = texts.zoom(view.scale * devicePixelRatio);
}

// Pictures

async function start() {
  if (!api.takeToken()) throw new Error(texts.noToken);
  const { ready } = await api.state();
  if (!ready) say(texts.loading);
  await listFolder(); // which waits for the models
  if (!ready) say(texts.loaded);
  const { folder } = await api.state();
  if (!folder) return;
  find("folder").hidden = false;
  find("locked").hidden = !folder.locked;
  find("locked").textContent = folder.locked ?? "";
  find("restore-all").disabled = Boolean(folder.locked);
}

async function listFolder() {
  for (const picture of await api.pictures()) if (picture.in_folder) list.put(picture);
  list.show();
}

/** Take files in; the first of them is opened. */
async function add(files) {
  let first = true;
  for (const file of files) {
    say(texts.reading(file.name));
    try {
      const { id } = list.put(await api.upload(file)).picture;
      if (first) await open(id);
      await list.addThumbnail(id);
      first = false;
    } catch (error) {
      complain(error);
    }
    list.show();
  }
}

async function open(id) {
  const entry = list.put(await api.picture(id));
  const { picture } = entry;
  const known = Boolean(entry.mask);
  if (!known) begin(entry);
  current?.mask.hide();
  if (current) current.isShown = false;
  current = entry;
  entry.isShown = true;
  document.body.classList.add("opened");
  for (const part of ["panel", "tools"]) find(part).hidden = false;
  for (const part of ["empty", "results"]) find(part).hidden = true;
  find("marks").firstElementChild.replaceChildren(entry.mask.canvas);
  tools.use("view");
  stage.open(picture.width, picture.height);
  await entry.mask.show();
  if (!known && picture.mask) await works.takeMask(entry);
  showPanel();
  await compare.open(picture);
  await showResults();
  await list.addThumbnail(id);
  list.show();
  safely(inspected)(entry);
}

/** What the page keeps of a picture, besides what the server says of it. */
function begin(entry) {
  const { picture } = entry;
  const mask = new Mask(picture.width, picture.height, () => maskChanged(entry));
  Object.assign(entry, { mask, hints: [], chosen: "after", controls: panel.proposed(picture), running: false });
}

function showPanel() {
  panel.showFindings(current);
  panel.showHints(current.hints, setHints);
  panel.showProgress(current);
  panel.showAction(current);
}

/** Wait for what inspecting finds: the picture is seen, and can be marked, before. A click on a button cancels it. */
async function inspected(entry) {
  const before = panel.proposed(entry.picture);
  for (let state = "new"; state !== "failed" && !entry.picture.findings; ) {
    ({ state } = await api.follow(entry.picture.job, () => {}));
    if (!list.entries.has(entry.picture.id)) return;
    list.put(await api.picture(entry.picture.id));
  }
  if (panel.isSame(entry.controls, before)) entry.controls = panel.proposed(entry.picture); // or a hand has set others
  if (!entry.isShown) return;
  showPanel();
  say(texts.added(entry.picture.name, entry.picture.findings ?? []));
}

async function remove(id) {
  const next = list.drop(id);
  if (id === current?.picture.id && next) await open(next); // first, so that nothing is asked of it any more
  await api.remove(id);
  list.show();
}

// Results

async function run() {
  const entry = current;
  const began = performance.now();
  if (!(await works.run(entry))) return;
  list.show();
  if (entry.isShown) {
    tools.use("view");
    panel.showAction(entry);
    await showResults();
    find("panel").scrollTo({ top: 0 });
  }
  say(texts.done((performance.now() - began) / 1000));
}

async function showResults() {
  const { picture, chosen } = current;
  const what = picture.results.some((result) => result.what === chosen) ? chosen : null;
  find("overlay").checked = false;
  await Promise.all([compare.choose(what), compare.showError(false), panel.showResults(current, safely(choose))]);
}

async function choose(what) {
  current.chosen = what;
  await showResults();
}

/** Show what is found, to be corrected by hand. */
async function showFound() {
  const entry = current;
  if (!(await works.findDefects(entry)) || !entry.isShown) return;
  tools.use("brush");
  say(texts.foundMarks);
}

async function useMask(file) {
  await works.loadMask(current, file);
  change({ mask: "given" });
  tools.use("brush");
}

async function copyCommand() {
  const command = find("command");
  getSelection().selectAllChildren(command); // to be copied by hand where the browser does not let us
  await navigator.clipboard?.writeText(command.textContent);
  say(texts.copied);
}

// Settings

/** Each tool serves a verb. */
function onTool(name) {
  if (name === "hint") change({ verb: "colorize" });
  if (name === "brush" || name === "erase") change({ verb: "restore" });
}

function onHint(hint) {
  setHints([...current.hints, hint], true);
  say(texts.hint(hint));
}

/** Marks that a hand has changed are the mask from then on. */
function maskChanged(entry) {
  entry.ran = null;
  if (entry.mask.edited && entry.controls.mask !== "given") change({ mask: "given" });
  panel.showAction(entry);
}

function setHints(hints, redraw) {
  current.hints = hints;
  current.ran = null;
  panel.showAction(current);
  if (redraw) panel.showHints(hints, setHints);
  else panel.showPoints(hints);
}

function change(controls) {
  panel.writeControls({ ...panel.readControls(), ...controls });
  controlsChanged();
}

function controlsChanged() {
  current.controls = panel.readControls();
  panel.showControls();
  panel.showAction(current);
}

// Controls and keys

const chooseFiles = () => find("files").click();

const CLICKS = {
  open: chooseFiles,
  "open-first": chooseFiles,
  keys: () => find("help").showModal(),
  dismiss: () => (find("error").hidden = true),
  smaller: () => stage.zoom(stage.view.scale / STEP),
  larger: () => stage.zoom(stage.view.scale * STEP),
  fit: () => stage.fit(),
  undo: () => current.mask.undo(),
  redo: () => current.mask.redo(),
  clear: () => current.mask.clear(),
  find: showFound,
  "load-mask": () => find("mask-file").click(),
  "save-mask": () => works.saveMask(current),
  run,
  cancel: () => api.cancel(current.job.id),
  download: () => works.download(current),
  copy: copyCommand,
  "restore-all": () => works.restoreFolder().finally(listFolder),
  zip: async () => api.save(await api.zip(), "agerestore.zip"),
};

const KEYS = {
  v: () => tools.use("view"),
  b: () => tools.use("brush"),
  e: () => tools.use("erase"),
  h: () => tools.use("hint"),
  "+": CLICKS.larger,
  "=": CLICKS.larger,
  "-": CLICKS.smaller,
  0: CLICKS.fit,
  1: () => stage.zoom(1 / devicePixelRatio),
  "[": () => tools.resize(0.8),
  "]": () => tools.resize(1.25),
};

function pressKey(event) {
  const typing = event.target.matches("input:not([type=range], [type=radio], [type=checkbox]), dialog *");
  if (typing || event.altKey) return;
  const control = event.ctrlKey || event.metaKey;
  const name = event.key.toLowerCase();
  let action = control ? null : KEYS[name];
  if (control && name === "z") action = event.shiftKey ? CLICKS.redo : CLICKS.undo;
  if (control && name === "y") action = CLICKS.redo;
  if (!current) action = null;
  if (!control && name === "o") action = chooseFiles;
  if (!action) return;
  event.preventDefault();
  safely(action)();
}

const onInput = (id, action) => find(id).addEventListener("change", ({ target }) => safely(action)(target));

function connect() {
  fill(document);
  for (const element of document.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
  find("key-list").append(...texts.keyList.flatMap(([keys, what]) => [make("dt", {}, keys), make("dd", {}, what)]));
  for (const [id, action] of Object.entries(CLICKS)) find(id).addEventListener("click", safely(action));
  find("panel").addEventListener("input", ({ target }) => target.closest("#hints, #results") || controlsChanged());
  onInput("overlay", ({ checked }) => compare.showError(checked));
  onInput("files", (input) => add([...input.files]).finally(() => (input.value = "")));
  onInput("mask-file", (input) => useMask(input.files[0]).finally(() => (input.value = "")));
  document.addEventListener("keydown", pressKey);
  document.addEventListener("paste", ({ clipboardData }) => add([...clipboardData.files]));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
  addEventListener("hashchange", safely(start));
}

connect();
safely(start)();
