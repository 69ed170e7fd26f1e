// The lists beside the form: recent jobs and live workers.
import { address, api, download, Problem } from "./api.js";

const RECENT = 8; // jobs that are listed at least
const MOST = 100; // and at most, however many were sent together

const $ = (id) => document.getElementById(id);

let listed = RECENT;
let asked = 0; // how often the server was asked: an answer that a later question has overtaken is not drawn

function listItem(name, note, badge, open) {
  const item = document.createElement("li");
  const label = document.createElement(open ? "button" : "span");
  label.className = open ? "name link" : "name";
  label.textContent = name;
  if (open) {
    label.type = "button";
    label.addEventListener("click", open);
  }
  const mark = document.createElement("span");
  mark.className = badge ? `badge ${badge}` : "quiet";
  mark.textContent = note;
  item.append(label, mark);
  return item;
}

// The time of day, with the day where that is not today.
function clock(when) {
  const today = when.toDateString() === new Date().toDateString();
  return when.toLocaleString([], { timeStyle: "short", ...(today ? {} : { dateStyle: "short" }) });
}

function quietItem(text) {
  const item = document.createElement("li");
  item.className = "quiet";
  item.textContent = text;
  return item;
}

// Makes room in the list for so many jobs that were sent together.
export function makeRoom(jobs) {
  listed = Math.min(MOST, Math.max(RECENT, jobs));
}

function resultLink(job, failed) {
  const link = document.createElement("a");
  link.href = address(job.links.result);
  link.download = "";
  link.dataset.path = job.links.result;
  link.textContent = "Download";
  link.setAttribute("aria-label", `Download ${job.filename || job.id}`);
  link.addEventListener("click", (event) => download(event).catch(failed));
  return link;
}

// Asks for jobs and workers and draws them. `open` is called with the id of a job that is chosen, `failed` with the error
// of a download.
export async function refresh(open, failed) {
  const mine = (asked += 1);
  const [{ jobs }, { workers }] = await Promise.all([api(`jobs?limit=${listed}`), api("workers")]);
  if (mine !== asked) return;
  const held = document.activeElement?.closest("#jobs [data-id]")?.dataset.id; // whoever is there with the keyboard stays
  const kind = document.activeElement?.localName;
  $("jobs").replaceChildren(...jobs.map((job) => {
    const item = listItem(job.filename || job.id, job.status, job.status, () => open(job.id));
    item.dataset.id = job.id;
    const about = document.createElement("span");
    about.className = "quiet about";
    about.textContent = `${clock(new Date(job.created))}, ${job.filters.replaceAll(",", ", ") || "no filter"}`; // to be wrapped
    item.append(about);
    if (job.status === "done") item.append(resultLink(job, failed));
    return item;
  }));
  if (held) $("jobs").querySelector(`[data-id="${held}"] ${kind}`)?.focus({ preventScroll: true });
  if (!jobs.length) $("jobs").append(quietItem("None yet."));
  const alive = workers.filter((worker) => worker.state !== "dead");
  $("workers").replaceChildren(...workers.map((worker) =>
    worker.state === "dead" ? listItem(worker.id, "dead", "failed") : listItem(worker.id, `${worker.tiles} tiles`)));
  if (!alive.length) $("workers").append(quietItem("None running: jobs wait until one starts."));
  $("cluster").textContent = alive.length === 1 ? "1 worker" : `${alive.length} workers`;
}

// Throws when Kafka is away, by what the monitor saw last: jobs and workers come from Redis, and do not tell. Workers then
// look dead, since nobody hears them.
export async function heed() {
  const { kafka } = await api("cluster");
  if (kafka !== false) return; // a monitor that has not looked says nothing of it
  throw new Problem({ detail: "Kafka is unreachable right now: images are not taken, and jobs stand still until it is back." }, 503);
}
