/** What is done with a picture: jobs of the server, masks sent and taken, files saved. */

import * as api from "./api.js";
import { find, save, say } from "./elements.js";
import { current } from "./list.js";
import * as panel from "./panel.js";
import { texts } from "./texts.js";

/** Do what the controls say; return whether there is a result. */
export async function run(entry) {
  const { controls } = entry;
  const settings = panel.readSettings(entry);
  if (settings.mask === "given") await sendMask(entry);
  const made = await follow(entry, controls.verb, settings);
  if (made) Object.assign(entry, { chosen: "after", made, ran: controls });
  return made;
}

/** Find defects, which become the mask; return whether that is done. */
export async function findDefects(entry) {
  const { sensitivity } = entry.controls;
  const found = await follow(entry, "find", { sensitivity });
  if (found) await takeMask(entry);
  return found;
}

/** Begin a job of a picture and follow it, whether that is shown or not; return its last state if it is done. */
async function follow(entry, verb, settings) {
  const show = (job) => {
    entry.job = job;
    if (entry === current) panel.showProgress();
  };
  const id = await api.begin(entry.picture.id, verb, settings);
  show({ id, state: "queued" });
  say(texts.started);
  const job = await api.follow(id, show).finally(() => show(null));
  if (job.state === "failed") throw new Error(job.error);
  if (job.state === "canceled") say(texts.canceled);
  return job.state === "done" ? job : null;
}

/** Send the marks where the server has others. */
async function sendMask({ picture, mask }) {
  const { edited, last } = mask;
  if (!edited) return;
  const { share } = await api.putMask(picture.id, await mask.file());
  mask.sent = last; // or what was painted meanwhile would count as sent
  say(texts.share(share));
}

/** Take the mask that the server has. */
export async function takeMask({ picture, mask }) {
  await mask.replace(await api.mask(picture.id));
}

export async function saveMask(entry) {
  await sendMask(entry);
  const { id, name } = entry.picture;
  save(await api.mask(id), `${lastPart(name).replace(/\.\w+$/, "")}.mask.png`);
}

/** A mask file goes through the server, which reads more formats than browsers do; return whether there is one. */
export async function loadMask(entry, file) {
  await api.putMask(entry.picture.id, file);
  await takeMask(entry);
  return true;
}

/** Save the result that is shown, to the byte as the command writes it. */
export async function download({ picture, chosen }) {
  const { name } = picture.results.find(({ what }) => what === chosen);
  save(await api.file(picture.id, chosen), lastPart(name));
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
  progress.textContent = job.remarks.join(" ") || (texts.states[job.state] ?? job.state);
  if (job.error) throw new Error(job.error);
}
