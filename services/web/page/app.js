// The page: choose an image and filters, send it, watch its tiles, compare and download.
import { address, api, download, listen, Problem, sleep } from "./api.js";
import { Chain } from "./chain.js";
import { compare, fetchResult, lay } from "./compare.js";
import * as lists from "./lists.js";
import { paintSample } from "./sample.js";
import { refusals, sendAll } from "./sending.js";

const $ = (id) => document.getElementById(id);
const TILES_DRAWN = 600;
const AWAY = [0, 502, 503, 504]; // statuses that pass: of a server that is being restarted, or whose parts are
const ENDED = ["done", "failed", "cancelled", "expired", "deleted"];

let images = []; // Files to be sent next
let busy = false; // images are being sent, or the last one's job watched
let shown = null; // id of the job on the page
let turn = 0; // goes up whenever a job is shown, be it the same one anew
let listening = new AbortController(); // of the shown job's events
let sending = null; // AbortController of the images on their way
let original = null; // object URL of the image that the shown job was made from
const chain = new Chain($("chain"), $("catalogue"), $("help"), $("empty"));

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

// Takes these files, if there are any.
function choose(files) {
  if (!files.length) return;
  calm();
  images = [...files];
  const [{ name }] = images;
  const size = megabytes(images.reduce((sum, file) => sum + file.size, 0));
  $("chosen").textContent = images.length === 1 ? `${name}, ${size}` : `${images.length} images, ${size}: ${name}, …`;
  $("chosen").hidden = false;
  $("process").textContent = images.length === 1 ? "Process Image" : `Process ${images.length} Images`;
  allow();
}

function allow() {
  $("process").disabled = busy || !images.length || !chain.filters.size;
}

const refresh = () => lists.refresh(open, complain);

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
  const what = `${job.width} × ${job.height}, ${job.filters || "no filter"}`;
  const tiles = total > 1 ? `: ${done} of ${total} tiles${failed ? `, ${failed} failed` : ""}` : "";
  const took = job.finished ? `, ${((new Date(job.finished) - new Date(job.created)) / 1000).toFixed(2)} s` : "";
  const bytes = job.result ? `, ${megabytes(job.source.size)} → ${megabytes(job.result.size)}` : "";
  $("figures").textContent = what + tiles + took + bytes + (job.error ? `. ${job.error}` : "");
  const state = ENDED.includes(job.status) ? job.status : `${Math.floor(100 * job.progress)} %`;
  document.title = `${state}, ${$("title").textContent} – Pixo`; // seen from another tab
  $("cancel").hidden = ENDED.includes(job.status);
  $("retry").hidden = !["failed", "cancelled"].includes(job.status);
  $("download").hidden = job.status !== "done";
  $("compare").hidden = job.status !== "done";
}

async function drawResult(job, mine) {
  const result = await fetchResult(job);
  if (turn !== mine) return;
  $("download").href = result?.url ?? address(job.links.result);
  $("download").download = result?.name ?? "";
  $("download").dataset.path = job.links.result;
  compare(job, original, result, () => turn === mine); // which the next image need not wait for
}

// Brings the work into view, which on a phone is further down or up: last, when what is hidden for it is hidden.
function reveal() {
  $("work").hidden = false;
  $("title").scrollIntoView({ block: "nearest" });
}

// Makes a job the shown one, or none, and lets go of what belonged to the one before. Gives the turn, which ends when
// the next is shown. The address names it, so that it is there again after a reload, or for somebody else.
function show(id) {
  shown = id;
  history.replaceState(null, "", id ? `#${id}` : location.pathname + location.search);
  listening.abort();
  $("stop").hidden = !(id && sending); // whose Cancel is the shown job's then
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
      $("tiles").hidden = job.tiles.total < 2 || job.tiles.total > TILES_DRAWN;
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

// Draws the images on their way, of which there are so many, unless another job was opened meanwhile.
function sendingOf(many) {
  let number = "";
  const drawing = (draw) => (...told) => { if (!shown) draw(...told); };
  return {
    begun: (file, n) => {
      number = many > 1 ? ` ${n + 1} of ${many}` : "";
      $("stop").textContent = `Stop sending${number}`;
      if (!shown) $("title").textContent = file.name;
    },
    state: drawing((text) => {
      $("state").textContent = text + number;
      $("figures").textContent = "";
      $("progress").value = 0;
    }),
    figures: drawing((text) => { $("figures").textContent = text; }),
    sent: drawing((gone, all) => {
      $("progress").value = gone / all;
      $("figures").textContent = gone < all ? `${megabytes(gone)} of ${megabytes(all)}` : "All sent; the server reads it.";
    }),
  };
}

// Gives what is wanted now, whatever is changed while images are sent.
function wanted() {
  const fields = { filters: chain.text() };
  for (const name of ["format", "quality", "metadata", "background"]) fields[name] = $(name).value;
  return (file) => (file.tileSize ? { ...fields, tile_size: file.tileSize } : fields);
}

async function submit(event) {
  event.preventDefault();
  calm();
  if (!images.length) return;
  const chosen = images; // others may be chosen while these wait for room
  const files = [...chosen];
  const count = files.length;
  busy = true;
  allow();
  $("state").className = "badge";
  $("compare").hidden = $("download").hidden = $("retry").hidden = $("tiles").hidden = true;
  $("cancel").hidden = false;
  show(null);
  lists.makeRoom(count);
  sending = new AbortController();
  try {
    const sent = sendAll(files, wanted(), sendingOf(count), sending.signal);
    reveal();
    const { taken, refused } = await sent;
    sending = null;
    refresh();
    if (refused.length) complain(refusals(refused, count));
    if (shown) return; // another job was opened meanwhile, and stays
    if (taken.length) await watchSent(taken.at(-1));
    else $("work").hidden = true;
  } catch (error) {
    if (!shown) $("work").hidden = true;
    if (images === chosen) choose(files); // what is left of them
    if (!sending?.signal.aborted) complain(error);
  } finally {
    sending = null;
    busy = false;
    $("stop").hidden = true;
    allow();
  }
}

// Watches a job whose image is at hand.
async function watchSent({ file, job }) {
  if (original) URL.revokeObjectURL(original);
  original = URL.createObjectURL(file);
  await watch(job.id);
}

function open(id) {
  calm();
  if (original) URL.revokeObjectURL(original);
  original = null;
  watch(id).catch((error) => {
    if (shown === id && [404, 410].includes(error.status)) {
      $("work").hidden = true;
      show(null);
    }
    complain(error);
  });
}

async function keepFresh() {
  let complained = false;
  for (;;) {
    try {
      if (!chain.filters.size) {
        await fillCatalogue();
        reopen();
      }
      if (!document.hidden) {
        await refresh();
        await lists.heed();
      }
      if (complained) calm();
      complained = false;
    } catch (error) {
      complained = true;
      complain(error, false);
    }
    await sleep(4000); // a worker is dead after 15 s: shown within 20
  }
}

// Shows the job that the address names.
function reopen() {
  const id = location.hash.slice(1);
  if (id && id !== shown && !sending) open(id);
}

function wire() {
  $("file").addEventListener("change", () => choose($("file").files));
  $("job").addEventListener("submit", submit);
  // A field that is wrong and folded away would keep the form from being sent without a word.
  $("job").addEventListener("invalid", (event) => { event.target.closest("details")?.setAttribute("open", ""); }, true);
  $("sample").addEventListener("click", async () => choose([await paintSample()]));
  for (const id of ["over", "edge"]) $(id).addEventListener("input", lay);
  $("download").addEventListener("click", (event) => download(event).catch(complain));
  $("cancel").addEventListener("click", () =>
    shown ? api(`jobs/${shown}/cancel`, { method: "POST" }).catch(complain) : sending?.abort());
  $("stop").addEventListener("click", () => sending?.abort());
  $("retry").addEventListener("click", () =>
    api(`jobs/${shown}/retry`, { method: "POST" }).then((job) => watch(job.id)).catch(complain));
  document.addEventListener("visibilitychange", () => document.hidden && listening.abort());
  window.addEventListener("hashchange", reopen);
  window.addEventListener("beforeunload", (event) => sending && event.preventDefault()); // it would be cut off
  document.addEventListener("paste", (event) => choose(event.clipboardData.files));
  const drop = $("drop");
  for (const name of ["dragover", "dragenter"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); choose(event.dataTransfer.files); });
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
