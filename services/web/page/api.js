// The API as the page uses it: JSON calls, one streaming upload, and problems as errors.
const BASE = "api/v1/";
let token = sessionStorage.getItem("pixo-token") ?? "";
let declined = false; // the question for a token was closed without one: it is not asked again

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.again = 0; // seconds after which asking once more may help
  }
}

// Where a link or a path of the API is, seen from the page, which a proxy may show under a path of its own.
export const address = (path) => (path.startsWith("/") ? path.slice(1) : BASE + path);

const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});

async function login() {
  const dialog = document.getElementById("login");
  document.getElementById("wrong").hidden = !token;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  declined = dialog.returnValue !== "go";
  token = document.getElementById("token").value;
  sessionStorage.setItem("pixo-token", token);
}

function problem(status, text) {
  try {
    return new Problem(JSON.parse(text), status);
  } catch {
    return new Problem({ detail: `The server answered ${status}.` }, status);
  }
}

async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(address(path), { ...options, headers: headers() });
  } catch {
    throw new Problem({ detail: "The server does not answer. Is it still running?" }, 0);
  }
  if (response.status === 401) {
    if (!declined) await login();
    if (declined) throw new Problem({ detail: "This server requires a token. Reload the page to enter one." }, 401);
    return call(path, options);
  }
  if (!response.ok) throw problem(response.status, await response.text());
  return response;
}

export async function api(path, options) {
  const response = await call(path, options);
  return response.status === 204 ? null : response.json();
}

// Tells each event of a stream, by kind and data, until the stream ends. An EventSource could not send a token.
export async function listen(path, told, signal) {
  const pieces = (await call(path, { signal })).body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await pieces.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const [, kind, data] = /^event: (.*)\ndata: (.*)$/m.exec(event) ?? [];
      if (kind) told(kind, JSON.parse(data));
    }
  }
}

// URL and name of an image or a file: the resource itself, or a copy of it where a token must go along.
export async function resource(path) {
  if (!token) return { url: address(path), name: "" };
  const response = await call(path);
  const said = response.headers.get("Content-Disposition") ?? "";
  const extended = /filename\*=UTF-8''([^;]*)/.exec(said)?.[1];
  const name = extended ? decodeURIComponent(extended) : /filename="([^"]*)"/.exec(said)?.[1] ?? "";
  return { url: URL.createObjectURL(await response.blob()), name };
}

// Takes a click on a link to a file, whose path is in the link's data: a link cannot send a token.
export async function download(event) {
  const { href, dataset } = event.currentTarget;
  if (!token || href.startsWith("blob:")) return;
  event.preventDefault();
  const copy = document.createElement("a");
  const { url, name } = await resource(dataset.path);
  copy.href = url;
  copy.download = name;
  copy.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // by then the browser has it
}

// Sends an image; tells how many bytes of how many are gone. The signal stops it.
export function send(image, fields, told, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("image", image, image.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("jobs"));
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.addEventListener("progress", (event) => told(event.loaded, event.total));
    request.addEventListener("error", () => reject(new Problem({ detail: "The upload was cut off." }, 0)));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else {
        const trouble = problem(request.status, request.responseText);
        trouble.again = Number(request.getResponseHeader("Retry-After"));
        reject(trouble);
      }
    });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.addEventListener("abort", () => reject(signal.reason));
    request.send(form);
  });
}
