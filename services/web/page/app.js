// The page: choose an image and filters, send it, watch its tiles, compare and download.
import { address, api, free, listen, send, Problem } from "./api.js";
import { Chain } from "./chain.js";
import { compare, fetchResult, picture } from "./compare.js";
import { paintSample } from "./sample.js";

const $ = (id) => document.getElementById(id);
const TILES_DRAWN = 600;
const PATIENCE = 3600; // seconds for which a full server is asked again
const AWAY = [0, 502, 503, 504]; // statuses that pass: of a server that is being restarted, or whose parts are
const ENDED = ["done", "failed", "cancelled", "expired", "deleted"];

let image = null; // File to be sent next
let busy = false; // an image is being sent, or its job watched
let shown = null; // id of the job on the page
let turn = 0; // goes up whenever a job is shown, be it the same one anew
let listening = new AbortController(); // of the shown job's events
let original = null; // object URL of the image that the shown job was made from
const chain = new Chain($("chain"), $("catalogue"), $("help"), $("empty"));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const megabytes = (bytes) => (bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

// Shows what went wrong, also to who has scrolled away, if it was asked for.
function complain(error, asked = true) {
  $("trouble").textContent = error instanceof Problem || error instanceof TypeError ? `${error.message}` : `${error}`;
  $("trouble").hidden = false;
  if (asked) $("trouble").scrollIntoView({ block: "nearest" });
  if (!(error instanceof Problem)) console.error(error);
}

function calm() {
  $("trouble").hidden = true;
}

function choose(file) {
  if (!file) return;
  calm();
  image = file;
  $("chosen").textContent = `${file.name}, ${megabytes(file.size)}`;
  $("chosen").hidden = false;
  allow();
}

function allow() {
  $("process").disabled = busy || !image || !chain.filters.size;
}

function drawTiles(tiles) {
  const box = $("tiles");
  while (box.childElementCount > tiles.length) box.lastChild.remove();
  while (box.childElementCount < tiles.length) box.append(document.createElement("i"));
  tiles.forEach(drawTile);
}

function drawTile({ tile, state }) {
  const box = $("tiles").children[tile];
  if (box) box.className = { done: "done", failed: "dead", processing: "out" }[state] ?? "";
}

function draw(job) {
  const { total, done, failed } = job.tiles;
  $("title").textContent = job.filename || job.id;
  $("state").textContent = job.status;
  $("state").className = `badge ${job.status}`;
  $("progress").value = job.progress;
  const size = `${job.width} × ${job.height}`;
  const took = job.finished ? `, ${((new Date(job.finished) - new Date(job.created)) / 1000).toFixed(2)} s` : "";
  $("figures").textContent = `${size}, ${job.filters || "no filter"}: ${done} of ${total} tiles${failed ? `, ${failed} failed` : ""}${took}`
    + (job.error ? `. ${job.error}` : "");
  $("cancel").hidden = ENDED.includes(job.status);
  $("retry").hidden = !["failed", "cancelled"].includes(job.status);
  $("download").hidden = job.status !== "done";
  $("compare").hidden = job.status !== "done";
}

async function drawResult(job, mine) {
  const result = await fetchResult(job);
  if (turn !== mine) return;
  $("download").dataset.link = job.links.result;
  offer(result ?? { url: address(job.links.result), name: "" });
  compare(job, original, result, () => turn === mine); // which the next image need not wait for
}

function offer({ url, name }) {
  $("download").href = url;
  $("download").download = name;
}

// A link cannot send a token: what was not fetched to be shown is fetched when it is asked for.
async function fetchFirst(event) {
  if (free() || $("download").href.startsWith("blob:")) return;
  event.preventDefault();
  offer(await picture($("download").dataset.link));
  $("download").click();
}

// Brings the work into view, which on a phone is further down or up: last, when what is hidden for it is hidden.
function reveal() {
  $("work").hidden = false;
  $("title").scrollIntoView({ block: "nearest" });
}

// Makes a job the shown one, or none, and lets go of what belonged to the one before. Gives the turn, which ends when
// the next is shown.
function show(id) {
  shown = id;
  listening.abort();
  return (turn += 1);
}

// Draws what happens to a job; gives whether its end was told. What cannot be heard, the next look at the job says.
async function follow(job) {
  if (document.hidden) return false; // a browser has six connections to a server, for all of its tabs
  let ended = false;
  listening = new AbortController();
  try {
    await listen(job.links.events, (kind, data) => {
      ended = kind === "done";
      if (ended && data.status !== "deleted") return;
      if (kind === "tile") {
        job.tiles.done = data.done;
        job.progress = (0.99 * data.done) / job.tiles.total;
        drawTile(data);
      } else job.status = data.status;
      draw(job);
    }, listening.signal);
  } catch (error) {
    console.info(`Not listening: ${error.message}`);
  }
  return ended;
}

async function watch(id) {
  const mine = show(id);
  $("tiles").replaceChildren();
  $("compare").hidden = true;
  reveal();
  let pause = 150;
  while (turn === mine) {
    try {
      const job = await api(`jobs/${id}`);
      if (turn !== mine) return;
      draw(job);
      $("tiles").hidden = job.tiles.total > TILES_DRAWN;
      const { tiles } = $("tiles").hidden ? { tiles: [] } : await api(`jobs/${id}/tiles`);
      if (turn !== mine) return;
      drawTiles(tiles);
      if (ENDED.includes(job.status)) {
        if (job.status === "done") await drawResult(job, mine);
        return refresh();
      }
      if (await follow(job)) continue;
    } catch (error) {
      if (!AWAY.includes(error.status)) throw error;
      $("figures").textContent = `${error.message} The job continues; checking again.`;
      pause = 1000;
    }
    await sleep(pause);
    pause = Math.min(1000, pause * 1.2);
  }
}

// Sends the image; where there is no room for it, waits as the server says and sends it again.
async function sendPatiently(file, fields) {
  const end = Date.now() + 1000 * PATIENCE;
  for (;;) {
    try {
      return await send(file, fields, (share) => ($("progress").value = share));
    } catch (error) {
      if (!error.again || Date.now() + 1000 * error.again > end) throw error;
      $("state").textContent = "waiting for room";
      for (let left = error.again; left > 0; left -= 1) {
        $("figures").textContent = `${error.message} Trying again in ${left} s.`;
        await sleep(1000);
      }
      $("state").textContent = "uploading";
      $("figures").textContent = "";
    }
  }
}

async function submit(event) {
  event.preventDefault();
  calm();
  const file = image; // another may be chosen while this one waits for room
  if (!file) return;
  busy = true;
  allow();
  $("title").textContent = file.name;
  $("state").textContent = "uploading";
  $("state").className = "badge";
  $("figures").textContent = "";
  $("compare").hidden = $("download").hidden = $("cancel").hidden = $("retry").hidden = true;
  $("tiles").replaceChildren();
  reveal();
  if (original) URL.revokeObjectURL(original);
  original = URL.createObjectURL(file);
  show(null);
  try {
    const fields = { filters: chain.text() };
    for (const name of ["format", "quality", "metadata", "background"]) fields[name] = $(name).value;
    if (file.tileSize) fields.tile_size = file.tileSize;
    const job = await sendPatiently(file, fields);
    refresh();
    await watch(job.id);
  } catch (error) {
    if (!shown) $("work").hidden = true;
    complain(error);
  } finally {
    busy = false;
    allow();
  }
}

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

function quietItem(text) {
  const item = document.createElement("li");
  item.className = "quiet";
  item.textContent = text;
  return item;
}

function open(job) {
  calm();
  if (original) URL.revokeObjectURL(original);
  original = null;
  watch(job.id).catch(complain);
}

async function refresh() {
  const [{ jobs }, { workers }] = await Promise.all([api("jobs?limit=8"), api("workers")]);
  const held = document.activeElement?.closest("#jobs [data-id]")?.dataset.id; // whoever is there with the keyboard stays
  $("jobs").replaceChildren(...jobs.map((job) => {
    const item = listItem(job.filename || job.id, job.status, job.status, () => open(job));
    item.dataset.id = job.id;
    return item;
  }));
  if (held) $("jobs").querySelector(`[data-id="${held}"] button`)?.focus({ preventScroll: true });
  if (!jobs.length) $("jobs").append(quietItem("None yet."));
  const alive = workers.filter((worker) => worker.state !== "dead");
  $("workers").replaceChildren(...workers.map((worker) =>
    worker.state === "dead" ? listItem(worker.id, "dead", "failed") : listItem(worker.id, `${worker.tiles} tiles`)));
  if (!alive.length) $("workers").append(quietItem("None running: jobs wait until one starts."));
  $("cluster").textContent = alive.length === 1 ? "1 worker" : `${alive.length} workers`;
}

async function keepFresh() {
  let complained = false;
  for (;;) {
    try {
      if (!chain.filters.size) await fillCatalogue();
      if (!document.hidden) await refresh();
      if (complained) calm();
      complained = false;
    } catch (error) {
      complained = true;
      complain(error, false);
    }
    await sleep(4000); // a worker is dead after 15 s: shown within 20
  }
}

function wire() {
  $("file").addEventListener("change", () => choose($("file").files[0]));
  $("job").addEventListener("submit", submit);
  // A field that is wrong and folded away would keep the form from being sent without a word.
  $("job").addEventListener("invalid", (event) => { event.target.closest("details")?.setAttribute("open", ""); }, true);
  $("sample").addEventListener("click", async () => choose(await paintSample()));
  $("download").addEventListener("click", (event) => fetchFirst(event).catch(complain));
  $("cancel").addEventListener("click", () => api(`jobs/${shown}/cancel`, { method: "POST" }).catch(complain));
  $("retry").addEventListener("click", () =>
    api(`jobs/${shown}/retry`, { method: "POST" }).then((job) => watch(job.id)).catch(complain));
  document.addEventListener("visibilitychange", () => document.hidden && listening.abort());
  const drop = $("drop");
  for (const name of ["dragover", "dragenter"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); choose(event.dataTransfer.files[0]); });
  // A file that is dropped beside the zone would be opened in the page's place.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => {
      if (!event.dataTransfer.types.includes("Files") || drop.contains(event.target)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    });
  }
}

async function fillCatalogue() {
  chain.fill((await api("filters")).filters);
  chain.add("grayscale");
  allow();
}

wire();
keepFresh();
