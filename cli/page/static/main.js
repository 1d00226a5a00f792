/** The page: opens pictures, runs verbs, and connects all parts with controls and keys. */

import * as api from "./api.js";
import * as compare from "./compare.js";
import { find, icon, make, safely, save, say } from "./elements.js";
import * as list from "./list.js";
import * as mask from "./mask.js";
import * as panel from "./panel.js";
import * as stage from "./stage.js";
import { fill, texts } from "./texts.js";
import * as tools from "./tools.js";
import * as works from "./work.js";

const STEP = 1.25; // of a zoom by a key or button

async function start() {
  if (!api.takeToken()) throw new Error(texts.noToken);
  if (!(await api.state()).ready) say(texts.loading);
  await listFolder(); // which waits for the models
  say(texts.loaded);
  const { folder } = await api.state();
  find("folder").hidden = !folder;
  find("locked").textContent = folder?.locked ?? "";
  find("restore-all").disabled = Boolean(folder?.locked);
}

async function listFolder() {
  for (const picture of await api.pictures()) if (picture.in_folder) list.put(picture);
}

/** Take files in; the first of them is opened. */
async function add(files) {
  let first = true;
  const take = async (file) => {
    const { id } = list.put(await api.upload(file)).picture;
    if (first) await open(id);
    first = false;
  };
  for (const file of files) {
    say(texts.reading(file.name));
    await safely(take)(file);
  }
}

async function open(id) {
  const entry = list.put(await api.picture(id));
  const { picture } = entry;
  tools.use("view"); // which ends what is drawn on the one before
  const isNew = !entry.marks;
  if (isNew) Object.assign(entry, { marks: mask.none(), hints: [], controls: panel.proposed(picture) });
  list.choose(entry);
  document.body.classList.add("opened");
  stage.open(picture.width, picture.height);
  panel.show();
  const marked = mask.show().then(() => isNew && picture.mask && mask.take(entry));
  await Promise.all([marked, showResult()]); // begun at once, or a picture that was opened before could come last
  safely(inspected)(entry);
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
  if (entry !== list.current) return;
  panel.show();
  say(texts.added(entry.picture.name, entry.picture.findings ?? []));
}

async function remove(id) {
  const next = list.drop(id);
  if (id === list.current?.picture.id && next) await open(next); // first, so that nothing is asked of it any more
  await api.remove(id);
}

async function run() {
  const entry = list.current;
  const { controls } = entry;
  const began = performance.now();
  const made = await works.make(entry);
  if (!made) return;
  Object.assign(entry, { made, ran: controls });
  list.put(await api.picture(entry.picture.id));
  if (entry === list.current) {
    tools.use("view");
    panel.showAction();
    await showResult("after");
    find("panel").scrollTo({ top: 0 });
  }
  say(texts.done((performance.now() - began) / 1000));
}

/** Show a result of the picture; the main one where there is none of that name. */
async function showResult(chosen = list.current.chosen) {
  const { id, results } = list.current.picture;
  list.current.chosen = results.some(({ what }) => what === chosen) ? chosen : "after";
  panel.showResults();
  await compare.show(id, results.length ? list.current.chosen : null);
}

/** Take marks that are found or in a file, and show them, to be corrected by hand. */
async function showMarks(take, controls) {
  const entry = list.current;
  if (!(await take(entry))) return;
  await mask.take(entry);
  entry.controls = { ...entry.controls, ...controls };
  if (entry !== list.current) return;
  tools.use("brush");
  say(find("mask-note").textContent);
}

async function copyCommand() {
  const command = find("command");
  getSelection().selectAllChildren(command); // to be copied by hand where the browser does not let us
  await navigator.clipboard?.writeText(command.textContent);
  say(texts.copied);
}

const CLICKS = {
  keys: () => find("help").showModal(),
  dismiss: () => (find("error").hidden = true),
  smaller: () => stage.zoom(stage.view.scale / STEP),
  larger: () => stage.zoom(stage.view.scale * STEP),
  fit: stage.fit,
  undo: mask.undo,
  redo: mask.redo,
  clear: mask.clear,
  find: () => showMarks(works.findDefects),
  "save-mask": () => works.saveMask(list.current),
  run,
  cancel: () => api.cancel(list.current.job.id),
  download: () => works.download(list.current),
  copy: copyCommand,
  "restore-all": () => works.restoreFolder().finally(listFolder),
  zip: async () => save(await api.zip(), "agerestore.zip"),
};

const KEYS = {
  1: () => stage.zoom(1 / devicePixelRatio),
  "[": () => tools.resize(-1),
  "]": () => tools.resize(1),
};

/** The keys of buttons are those that these name for screen readers. */
function pressKey(event) {
  const typing = event.target.matches("input:not([type=range], [type=radio], [type=checkbox]), dialog *");
  if (typing || event.altKey) return;
  const control = event.ctrlKey || event.metaKey;
  const parts = [control && "Control", control && event.shiftKey && "Shift", event.key.replace("+", "Plus")];
  const name = parts.filter(Boolean).join("+");
  const button = document.querySelector(`[aria-keyshortcuts~="${CSS.escape(name)}" i]`);
  const action = list.current || button?.id === "open" ? (KEYS[name] ?? button?.click) : null;
  if (!action) return;
  event.preventDefault();
  action.call(button);
}

/** Do something once an event happens to an element that a selector names. */
function on(type, selector, action) {
  document.addEventListener(type, ({ target }) => {
    const element = target.closest(selector);
    if (element) safely(action)(element);
  });
}

fill(document);
for (const element of document.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
find("key-list").append(...texts.keyList.flatMap(([keys, what]) => [make("dt", {}, keys), make("dd", {}, what)]));
for (const [id, action] of Object.entries(CLICKS)) on("click", `#${id}`, action);
on("click", "[data-opens]", ({ dataset }) => find(dataset.opens).click());
on("click", "button[data-tool]", ({ dataset }) => tools.use(dataset.tool));
on("click", "#list button:first-child", ({ value }) => open(value));
on("click", "#list .round", ({ value }) => remove(value));
on("click", "#thumbnails button", ({ value }) => showResult(value));
on("input", "#panel [name]", () => panel.change());
on("change", "#canvas", panel.marksChanged);
on("change", "#overlay", compare.showError);
on("change", "#files", (input) => add([...input.files]).finally(() => (input.value = "")));
on("change", "#mask-file", (input) => showMarks(works.loadMask, { mask: "given" }).finally(() => (input.value = "")));
document.addEventListener("keydown", pressKey);
document.addEventListener("paste", ({ clipboardData }) => add([...clipboardData.files]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  add([...event.dataTransfer.files]);
});
addEventListener("hashchange", safely(start));
safely(start)();
