// The original beside the result.
import { resource } from "./api.js";

const VISIBLE_PIXELS = 60e6; // larger pictures are shown small
const PREVIEW = 1600; // pixels of the longer side of what is shown small

const $ = (id) => document.getElementById(id);

let copies = []; // object URLs of what was fetched for the shown job

// Gives URL and name of an image of the shown job; a copy of it is let go with the job.
async function picture(path) {
  const found = await resource(path);
  if (found.url.startsWith("blob:")) copies.push(found.url);
  return found;
}

const small = (job, of) => () => picture(`${job.links.preview}?of=${of}&size=${PREVIEW}`);
const fits = (job) => job.width * job.height <= VISIBLE_PIXELS;

// Gives URL and name of a job's result, null for one that is shown small; lets go of the job shown before.
export async function fetchResult(job) {
  copies.forEach((url) => URL.revokeObjectURL(url));
  copies = [];
  return fits(job) && job.format !== "tiff" ? picture(job.links.result) : null;
}

// Shows both images of a finished job, as long as it is `wanted`. `original` is the URL of the image that the job was made
// from, where it was chosen on this page; `result` is what `fetchResult` gave.
export async function compare(job, original, result, wanted) {
  $("reduced").hidden = result !== null;
  $("lay").hidden = true;
  lay();
  const source = original ? async () => ({ url: original }) : () => picture(job.links.source);
  await Promise.all([
    showFirst($("before"), $("unshown-before"), [...(fits(job) ? [source] : []), small(job, "source")], wanted),
    showFirst($("after"), $("unshown-after"), result ? [async () => result] : [small(job, "result")], wanted),
  ]);
  if (!wanted()) return;
  $("lay").hidden = $("before").hidden || $("after").hidden;
  lay();
}

// Lays the result over the original, where both are shown and that is asked for.
export function lay() {
  const over = $("over").checked && !$("lay").hidden;
  $("compare").classList.toggle("over", over);
  $("edge").hidden = !over;
  $("compare").style.setProperty("--edge-at", `${$("edge").value}%`);
}

// Shows the first of these pictures that the browser can show, else a note: it cannot show a TIFF, for one.
async function showFirst(image, note, choices, wanted) {
  for (const choose of choices) {
    try {
      const { url } = await choose();
      if (!wanted()) return;
      image.src = url;
      await image.decode();
      image.hidden = false;
      note.hidden = true;
      return;
    } catch (error) {
      console.info(`Not to be shown: ${error.message}`);
    }
  }
  if (!wanted()) return;
  image.hidden = true;
  note.hidden = false;
}
