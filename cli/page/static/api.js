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

/** Send a request; what the server refuses is an error with the one line that the command would print. */
async function send(method, address, body, headers = {}) {
  const request = { method, body, headers: { "X-Agerestore-Token": token, ...headers } };
  const answer = await fetch(`api/${address}`, request).catch(() => {
    throw new Error(texts.noServer);
  });
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Error(error ?? texts.refused(answer.status));
}

const json = async (...request) => (await send(...request)).json();
const blob = async (address) => (await send("GET", address)).blob();

export const state = () => json("GET", "state");
export const pictures = () => json("GET", "pictures");
export const picture = (id) => json("GET", `pictures/${id}`);
export const upload = (file) => json("POST", "pictures", file, { "X-File-Name": encodeURIComponent(file.name) });
export const remove = (id) => send("DELETE", `pictures/${id}`);

/** A version of a picture with a largest `side`; or a part of it, x, y, width and height, at its own size. */
export const image = (id, what, parameters) => {
  const query = new URLSearchParams({ what, ...parameters });
  return blob(`pictures/${id}/${"x" in parameters ? "crop" : "preview"}?${query}`);
};
export const file = (id, what) => blob(`pictures/${id}/file?what=${what}`);
export const zip = () => blob("results.zip");

export const mask = (id) => blob(`pictures/${id}/mask.png`);
export const putMask = (id, file) => json("PUT", `pictures/${id}/mask.png`, file);

/** Begin a job, such as "folder/restore"; return its id. */
export const begin = async (work, settings) => (await json("POST", work, JSON.stringify(settings))).job;
export const cancel = (job) => send("DELETE", `jobs/${job}`);

/** Follow a job to its end: `onChange` gets each state of it; return the last. */
export async function follow(job, onChange) {
  for (;;) {
    const state = await json("GET", `jobs/${job}`);
    onChange(state);
    if (FINAL.includes(state.state)) return state;
    await readEvents(job, onChange).catch(() => {}); // a stream that breaks: what became of the job is asked for
  }
}

/** Pass on the events of a job, a stream of server-sent ones. */
async function readEvents(job, onChange) {
  const { body } = await send("GET", `jobs/${job}/events`);
  const stream = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await stream.read(); !part.done; part = await stream.read()) {
    const events = (rest + part.value).split("\n\n");
    rest = events.pop();
    for (const event of events) onChange(JSON.parse(event.slice("data:".length)));
  }
}
