/** What is done with a picture: jobs of the server, masks sent and taken, files saved. */

import * as api from "./api.js";
import { find, save, say } from "./elements.js";
import { current } from "./list.js";
import * as mask from "./mask.js";
import * as panel from "./panel.js";
import { texts } from "./texts.js";

/** Do what the controls say; return the job if that is done. */
export async function make(entry) {
  const settings = panel.readSettings(entry);
  if (settings.mask === "given") await sendMask(entry);
  return follow(entry, entry.controls.verb, settings);
}

/** Find defects, which become the mask of the server; return the job if that is done. */
export const findDefects = (entry) => follow(entry, "find", { sensitivity: entry.controls.sensitivity });

/** Begin a job of a picture and follow it, whether that is shown or not; return its last state if it is done. */
async function follow(entry, verb, settings) {
  const show = (job) => {
    entry.job = job;
    if (entry === current) panel.showProgress();
  };
  const id = await api.begin(`pictures/${entry.picture.id}/${verb}`, settings);
  show({ id, state: "queued" });
  say(texts.started);
  const job = await api.follow(id, show).finally(() => show(null));
  if (job.state === "failed") throw new Error(job.error);
  if (job.state === "canceled") say(texts.canceled);
  return job.state === "done" ? job : null;
}

/** Send the marks where the server has others. */
async function sendMask({ picture, marks }) {
  if (!mask.isEdited(marks)) return;
  const last = marks.steps.at(-1); // what is painted meanwhile is not sent
  const { share } = await api.putMask(picture.id, await mask.file());
  marks.sent = last;
  say(texts.share(share));
}

export async function saveMask(entry) {
  await sendMask(entry);
  const { id, name } = entry.picture;
  save(await api.mask(id), `${lastPart(name).replace(/\.\w+$/, "")}.mask.png`);
}

/** A mask file goes through the server, which reads more formats than browsers do. */
export const loadMask = ({ picture }) => api.putMask(picture.id, find("mask-file").files[0]);

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
  folderJob = await api.begin("folder/restore");
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
