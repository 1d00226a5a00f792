/** Requests to the server. The token stays in memory and goes along as a header; every address is relative. */

import { texts } from "./texts.js";

const FINAL = ["done", "failed", "canceled"];

let token = "";

/** Take the token from the address, and remove it from the address bar and the history. */
export function takeToken() {
  token = location.hash.slice(1) || token;
  history.replaceState(null, "", location.pathname + location.search);
  return token !== "";
}

/** What the server refused, in the one line that the command would print. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function send(method, address, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(`api/${address}`, { method, body, headers: { "X-Agerestore-Token": token, ...headers } });
  } catch {
    throw new Refusal(texts.noServer, 0);
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Refusal(error ?? texts.refused(answer.status), answer.status);
}

const json = async (...request) => (await send(...request)).json();
const post = (address, settings) =>
  json("POST", address, JSON.stringify(settings), { "Content-Type": "application/json" });
const of = (id, rest) => `pictures/${encodeURIComponent(id)}${rest}`;

export const state = () => json("GET", "state");
export const pictures = () => json("GET", "pictures");
export const picture = (id) => json("GET", of(id, ""));
export const upload = (file) =>
  json("POST", "pictures", file, {
    "X-File-Name": encodeURIComponent(file.name),
    "Content-Type": "application/octet-stream",
  });
export const remove = (id) => send("DELETE", of(id, ""));

export const image = async (id, what, parameters) => {
  const query = new URLSearchParams({ what, ...parameters });
  return (await send("GET", of(id, `/${"x" in parameters ? "crop" : "preview"}?${query}`))).blob();
};
export const file = async (id, what) => (await send("GET", of(id, `/file?what=${what}`))).blob();
export const zip = async () => (await send("GET", "results.zip")).blob();

export const mask = async (id) => (await send("GET", of(id, "/mask.png"))).blob();
export const putMask = (id, file) => json("PUT", of(id, "/mask.png"), file, { "Content-Type": "image/png" });

/** Begin what a verb does, "find", "restore" or "colorize"; return the id of the job. */
export const begin = async (id, verb, settings) => (await post(of(id, `/${verb}`), settings)).job;
export const beginFolder = async (settings) => (await post("folder/restore", settings)).job;
export const cancel = (job) => send("DELETE", `jobs/${job}`);

/** Follow a job to its end: `onChange` gets each state of it; return the last. */
export async function follow(job, onChange) {
  let last = { state: "queued" };
  while (!FINAL.includes(last.state)) {
    const stream = (await send("GET", `jobs/${job}/events`)).body.pipeThrough(new TextDecoderStream()).getReader();
    for await (const event of events(stream)) {
      last = event;
      onChange(event);
    }
    if (FINAL.includes(last.state)) break;
    last = await json("GET", `jobs/${job}`); // the stream broke
    onChange(last);
  }
  return last;
}

/** The objects in a stream of server-sent events. */
async function* events(stream) {
  let rest = "";
  for (let part = await stream.read().catch(lost); !part.done; part = await stream.read().catch(lost)) {
    const blocks = (rest + part.value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data:"));
      if (data) yield JSON.parse(data.slice(5));
    }
  }
}

/** A stream that breaks ends there; what became of the job is then asked for. */
const lost = () => ({ done: true });

/** Give the browser a file to save. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
