// Visits a site with Chromium, over the pipe of the DevTools protocol.
//
// usage: with_chromium.mjs URL PROFILE_DIR

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { setTimeout } from "node:timers/promises";

const [url, profile] = process.argv.slice(2);
/** Milliseconds that all of it may take. */
const PATIENCE = 60_000;

const chromium = spawn("chromium", [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-breakpad",
  "--disable-crash-reporter",
  "--disable-dev-shm-usage",
  "--no-proxy-server",
  `--user-data-dir=${profile}`,
  "--remote-debugging-pipe",
], { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] });
const [, , errors, toChromium, fromChromium] = chromium.stdio;
let complaints = "";
errors.on("data", (text) => (complaints += text));

const events = new EventEmitter();
const pending = new Map();
let received = "";
fromChromium.setEncoding("utf8").on("data", (text) => {
  const messages = (received + text).split("\0");
  received = messages.pop();
  for (const message of messages.map(JSON.parse)) {
    if (message.id === undefined) {
      events.emit(message.method, message.params);
      continue;
    }
    const { resolve, reject } = pending.get(message.id);
    pending.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else resolve(message.result);
  }
});

let sent = 0;
let sessionId;
function ask(method, params = {}) {
  sent += 1;
  toChromium.write(`${JSON.stringify({ id: sent, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => pending.set(sent, { resolve, reject }));
}

async function evaluate(expression) {
  const options = { expression, awaitPromise: true, returnByValue: true };
  const { result, exceptionDetails } = await ask("Runtime.evaluate", options);
  assert(!exceptionDetails, JSON.stringify(exceptionDetails));
  return result.value;
}

/** What the network did: by request, until `clear`. */
const network = { requests: new Map(), failures: [], clear() { this.requests.clear(); } };
const request = (id) => {
  if (!network.requests.has(id)) network.requests.set(id, { statuses: [] });
  return network.requests.get(id);
};
events.on("Network.requestWillBeSent", ({ requestId, request: { url }, type }) => {
  Object.assign(request(requestId), { url, type });
});
// What came over the wire, also where the page is given what was in the cache.
events.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode, headers }) => {
  request(requestId).statuses.push(statusCode);
  const range = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-range");
  request(requestId).range = range?.[1];
});
events.on("Network.responseReceived", ({ requestId, response, type }) => {
  Object.assign(request(requestId), { seen: response.status, mime: response.mimeType, type });
});
events.on("Network.loadingFailed", ({ requestId, errorText, canceled, type }) => {
  // A player gives up a range when it jumps to another.
  if (type === "Media" && canceled) return;
  network.failures.push({ ...request(requestId), errorText });
});

events.on("Network.loadingFinished", ({ requestId }) => (request(requestId).finished = true));

/** Waits until no request is under way. */
async function settle() {
  const waiting = () => [...network.requests.values()].filter((one) => !one.finished);
  for (let pause = 0; waiting().length > 0; pause += 1) {
    assert(pause < 100, `no end of ${JSON.stringify(waiting())}`);
    await setTimeout(20);
  }
}

/** What the page, or the browser about it, wrote to the console. */
const spoken = [];
events.on("Runtime.consoleAPICalled", ({ type, args }) => spoken.push({ type, args }));
events.on("Runtime.exceptionThrown", ({ exceptionDetails }) => spoken.push(exceptionDetails));
events.on("Log.entryAdded", ({ entry }) => spoken.push(entry));

const at = (path) => [...network.requests.values()].filter((one) => one.url === url + path);
const PARTS = {
  "": "text/html",
  "css/style.css": "text/css",
  "css/colours.css": "text/css",
  "img/dot.png": "image/png",
  "img/two%20words.svg": "image/svg+xml",
  "img/back.svg": "image/svg+xml",
  "js/main.js": "text/javascript",
  "js/part.js": "text/javascript",
  "js/deep/leaf.js": "text/javascript",
  "js/late.js": "text/javascript",
  "data.json": "application/json",
};

/** Checks the page that has been loaded, and that every part of it was. */
async function check() {
  const report = await evaluate("globalThis.ready");
  assert.deepEqual(report, {
    part: "a part",
    late: "late",
    data: { answer: 42 },
    colour: "rgb(1, 2, 3)",
    png: 1,
    svg: 3,
  });
  await settle();
  assert.deepEqual(network.failures, []);
  for (const [path, mime] of Object.entries(PARTS)) {
    assert(at(path).length > 0, `${path} is not asked for`);
    for (const one of at(path)) {
      assert([200, 304].includes(one.seen), `${path}: ${one.seen}`);
      assert.equal(one.mime, mime, path);
    }
  }
}

async function visit() {
  const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
  ({ sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true }));
  for (const domain of ["Network", "Page", "Runtime", "Log"]) await ask(`${domain}.enable`);

  let loaded = once(events, "Page.loadEventFired");
  await ask("Page.navigate", { url });
  await loaded;
  await check();
  for (const path of Object.keys(PARTS)) {
    assert(at(path).some((one) => one.statuses.includes(200)), `${path} came from elsewhere`);
  }

  // What was modified just now is fresh for a moment, in which the cache answers on its own.
  for (let attempt = 0; !revalidated(); attempt += 1) {
    assert(attempt < 5, "no part of the page is revalidated");
    await setTimeout(1000 * attempt);
    network.clear();
    loaded = once(events, "Page.loadEventFired");
    await ask("Page.reload", { ignoreCache: false });
    await loaded;
    await check();
    assert.deepEqual(at("")[0].statuses, [304]);
    for (const one of network.requests.values()) {
      assert(one.statuses.every((status) => status === 304), JSON.stringify(one));
    }
  }

  network.clear();
  const place = await evaluate(`new Promise((resolve, reject) => {
    const sound = document.createElement("audio");
    sound.preload = "auto";
    sound.onerror = () => reject(new Error(sound.error.message));
    sound.onloadedmetadata = () => (sound.currentTime = sound.duration - 5);
    sound.onseeked = () => resolve([sound.currentTime, sound.duration]);
    sound.src = "sound.wav";
  })`);
  assert.deepEqual(place, [145, 150]);
  const ranges = at("sound.wav");
  assert.deepEqual(ranges.flatMap((one) => one.statuses), ranges.map(() => 206));
  const starts = ranges.map((one) => Number(/^bytes ([0-9]+)-/.exec(one.range)[1]));
  assert(starts.includes(0) && starts.some((start) => start > 20_000_000), `from ${starts}`);

  assert.deepEqual(network.failures, []);
  assert.deepEqual(spoken, []);
}

/** Whether a part of the page, and not the page alone, was asked for and had not changed. */
function revalidated() {
  const parts = [...network.requests.values()].filter((one) => one.type !== "Document");
  return parts.some((one) => one.statuses.includes(304));
}

const deadline = globalThis.setTimeout(() => fail(new Error("the browser takes too long")), PATIENCE);
function fail(error) {
  console.error(error, "\n", complaints);
  chromium.kill("SIGKILL");
  process.exit(1);
}

try {
  await visit();
  sessionId = undefined;
  const ended = once(chromium, "exit");
  await ask("Browser.close");
  await ended;
  clearTimeout(deadline);
  console.log("done");
} catch (error) {
  fail(error);
}
