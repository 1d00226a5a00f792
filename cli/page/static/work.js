/** What is done with a picture: jobs of the server, masks sent and taken, files saved. */

import * as api from "./api.js";
import { find } from "./elements.js";
import { complain, say } from "./messages.js";
import * as panel from "./panel.js";
import { texts } from "./texts.js";

export class Work {
  /** `isShown(entry)` says whether a picture is the open one; `onResult(entry)` is called when it has new results. */
  constructor(isShown, onResult) {
    Object.assign(this, { isShown, onResult });
  }

  /** Do what the controls say. */
  async run(entry) {
    const { hints, model, controls, picture } = entry;
    if (controls.verb === "restore" && controls.mask === "given") await sendMask(entry);
    const began = performance.now();
    const job = await this.follow(
      entry,
      await api.begin(picture.id, controls.verb, panel.settingsOf(controls, model, hints)),
    );
    if (job.state !== "done") return;
    Object.assign(entry, {
      chosen: "after",
      made: job,
      ran: controls,
      picture: await api.picture(picture.id),
    });
    await this.onResult(entry);
    say(texts.done((performance.now() - began) / 1000));
  }

  /** Find defects; return whether that is done. */
  async findDefects(entry) {
    const { sensitivity } = entry.controls;
    const job = await this.follow(entry, await api.begin(entry.picture.id, "find", { sensitivity }));
    if (job.state === "done") await takeMask(entry);
    return job.state === "done";
  }

  /** Follow a job of a picture, whichever is open; return its last state. */
  async follow(entry, id) {
    const show = (job) => {
      entry.job = job;
      if (this.isShown(entry)) panel.showProgress(entry.running ? job : null);
    };
    const began = document.activeElement;
    entry.running = true;
    show({ id, state: "queued" });
    if (began === find("run")) find("cancel").focus(); // which takes its place
    say(texts.started);
    try {
      await api.follow(id, show);
    } finally {
      const waiting = document.activeElement === find("cancel");
      entry.running = false;
      show(entry.job);
      if (waiting) find("run").focus();
    }
    if (entry.job.state === "canceled") say(texts.canceled);
    if (entry.job.state === "failed") complain(new Error(entry.job.error));
    return entry.job;
  }
}

/** Send the marks where the server has others. */
export async function sendMask({ picture, mask }) {
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
  const { picture } = entry;
  await sendMask(entry);
  api.save(
    await api.mask(picture.id),
    `${picture.name
      .split("/")
      .at(-1)
      .replace(/\.\w+$/, "")}.mask.png`,
  );
}

/** A mask file goes through the server, which reads more formats than browsers do. */
export async function loadMask(entry, file) {
  await api.putMask(entry.picture.id, file);
  await takeMask(entry);
}

/** Save the result that is shown, to the byte as the command writes it. */
export async function download({ picture, chosen }) {
  const { name } = picture.results.find(({ what }) => what === chosen);
  api.save(await api.file(picture.id, chosen), name.split("/").at(-1));
}

export async function saveAll() {
  api.save(await api.zip(), "agerestore.zip");
}

let folderJob = null;

/** Restore the whole folder; or cancel that. */
export async function restoreFolder() {
  if (folderJob) return api.cancel(folderJob);
  folderJob = await api.beginFolder({});
  const [button, progress] = [find("restore-all"), find("folder-progress")];
  button.textContent = texts.cancel;
  const job = await api
    .follow(folderJob, (state) => {
      progress.textContent = texts.runningFolder(state);
    })
    .finally(() => {
      folderJob = null;
      button.textContent = texts.restoreAll;
    });
  progress.textContent =
    [job.error, ...job.remarks].filter(Boolean).join(" ") || (texts.states[job.state] ?? job.state);
  if (job.error) throw new Error(job.error);
}
