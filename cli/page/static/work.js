/** What is done with a picture: jobs of the server, masks sent and taken, files saved. */

import * as api from "./api.js";
import { complain, find, say } from "./elements.js";
import * as panel from "./panel.js";
import { texts } from "./texts.js";

/** Do what the controls say; return whether there is a result. */
export async function run(entry) {
  const { controls, picture } = entry;
  const settings = panel.readSettings(entry);
  if (settings.mask === "given") await sendMask(entry);
  const job = await follow(entry, await api.begin(picture.id, controls.verb, settings));
  if (job.state !== "done") return false;
  Object.assign(entry, { chosen: "after", made: job, ran: controls, picture: await api.picture(picture.id) });
  return true;
}

/** Find defects, which become the mask; return whether that is done. */
export async function findDefects(entry) {
  const { sensitivity } = entry.controls;
  const job = await follow(entry, await api.begin(entry.picture.id, "find", { sensitivity }));
  if (job.state === "done") await takeMask(entry);
  return job.state === "done";
}

/** Follow a job of a picture, whether that is shown or not; return its last state. */
async function follow(entry, id) {
  const show = (job, running = true) => {
    Object.assign(entry, { job, running });
    if (entry.isShown) panel.showProgress(entry);
  };
  const began = document.activeElement;
  show({ id, state: "queued" });
  if (began === find("run")) find("cancel").focus(); // which takes its place
  say(texts.started);
  try {
    await api.follow(id, show);
  } finally {
    const waiting = document.activeElement === find("cancel");
    show(entry.job, false);
    if (waiting) find("run").focus();
  }
  if (entry.job.state === "canceled") say(texts.canceled);
  if (entry.job.state === "failed") complain(new Error(entry.job.error));
  return entry.job;
}

/** Send the marks where the server has others. */
async function sendMask({ picture, mask }) {
  if (!mask.edited) return;
  const { share } = await api.putMask(picture.id, await mask.file());
  mask.saved();
  say(texts.share(share));
}

/** Take the mask that the server has. */
export async function takeMask({ picture, mask }) {
  await mask.replace(await api.mask(picture.id));
}

export async function saveMask(entry) {
  await sendMask(entry);
  const { id, name } = entry.picture;
  api.save(await api.mask(id), `${lastPart(name).replace(/\.\w+$/, "")}.mask.png`);
}

/** A mask file goes through the server, which reads more formats than browsers do. */
export async function loadMask(entry, file) {
  await api.putMask(entry.picture.id, file);
  await takeMask(entry);
}

/** Save the result that is shown, to the byte as the command writes it. */
export async function download({ picture, chosen }) {
  const { name } = picture.results.find(({ what }) => what === chosen);
  api.save(await api.file(picture.id, chosen), lastPart(name));
}

const lastPart = (name) => name.split("/").at(-1);

let folderJob = null;

/** Restore the whole folder; or cancel that. */
export async function restoreFolder() {
  if (folderJob) return api.cancel(folderJob);
  folderJob = await api.beginFolder();
  const [button, progress] = [find("restore-all"), find("folder-progress")];
  button.textContent = texts.cancel;
  const show = (job) => (progress.textContent = texts.runningFolder(job));
  const job = await api.follow(folderJob, show).finally(() => {
    folderJob = null;
    button.textContent = texts.restoreAll;
  });
  const said = [job.error, ...job.remarks].filter(Boolean).join(" ");
  progress.textContent = said || (texts.states[job.state] ?? job.state);
  if (job.error) throw new Error(job.error);
}
