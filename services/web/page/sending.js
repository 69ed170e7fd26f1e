// Sends images one after the other, each as patiently as the server wants.
import { Problem, send, sleep } from "./api.js";

const PATIENCE = 3600; // seconds for which a full server is asked again
const FULL = 429; // status of a server that has no room
const TOLD = 5; // refusals that are told one by one

// Sends the image; where there is no room for it, or a part is away, waits as the server says and sends it again.
async function sendPatiently(file, fields, tell, signal) {
  const end = Date.now() + 1000 * PATIENCE;
  for (;;) {
    tell.state("uploading");
    try {
      return await send(file, fields, tell.sent, signal);
    } catch (error) {
      if (!error.again || Date.now() + 1000 * error.again > end) throw error;
      tell.state(error.status === FULL ? "waiting for room" : "waiting");
      for (let left = error.again; left > 0; left -= 1) {
        tell.figures(`${error.message} Trying again in ${left} s.`);
        await sleep(1000);
        signal.throwIfAborted();
      }
    }
  }
}

// Whether an image is refused for what it is: the next one may be taken.
const ofThisOne = (error) =>
  error instanceof Problem && error.status >= 400 && error.status < 500 && ![401, 429].includes(error.status);

// Sends the files in turn, and takes out of their array each that need not be sent again. Gives file and job of each that
// was taken, file and error of each that was refused where there are several: of many files one may be no image. Throws
// what keeps all from being sent; the signal stops it. `tell` has four functions: `begun` with file and number, `state` and
// `figures` with texts, `sent` with the bytes that are gone and all.
export async function sendAll(files, fields, tell, signal) {
  const count = files.length;
  const taken = [];
  const refused = [];
  for (; files.length; files.shift()) {
    const [file] = files;
    tell.begun(file, count - files.length);
    try {
      taken.push({ file, job: await sendPatiently(file, fields(file), tell, signal) });
    } catch (error) {
      if (count > 1 && ofThisOne(error)) {
        refused.push({ file, error });
        continue;
      }
      if (taken.length && error instanceof Problem) error.message += ` ${taken.length} of ${count} images were sent.`;
      if (refused.length && error instanceof Problem) error.message += `\n${refusals(refused, count)}`;
      throw error;
    }
  }
  return { taken, refused };
}

// Says which files were refused, and why.
export function refusals(refused, count) {
  const lines = refused.slice(0, TOLD).map(({ file, error }) => `${file.name}: ${error.message}`);
  return [`${refused.length} of ${count} files were not taken.`, ...lines, ...(refused.length > TOLD ? ["…"] : [])].join("\n");
}
