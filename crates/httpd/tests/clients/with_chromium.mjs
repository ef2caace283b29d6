// Visits a site with Chromium, over the pipe of the DevTools protocol.
//
// usage: with_chromium.mjs URL PROFILE_DIR

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";

import { withTab } from "./chromium.mjs";

const [url, profile] = process.argv.slice(2);
/** Milliseconds that all of it may take. */
const PATIENCE = 60_000;

/** The requests for a part of the page. */
const at = (tab, path) => [...tab.requests.values()].filter((one) => one.url === url + path);
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
async function check(tab) {
  const report = await tab.evaluate("globalThis.ready");
  assert.deepEqual(report, {
    part: "a part",
    late: "late",
    data: { answer: 42 },
    colour: "rgb(1, 2, 3)",
    png: 1,
    svg: 3,
  });
  await tab.settle();
  assert.deepEqual(tab.failures, []);
  for (const [path, mime] of Object.entries(PARTS)) {
    assert(at(tab, path).length > 0, `${path} is not asked for`);
    for (const one of at(tab, path)) {
      assert([200, 304].includes(one.seen), `${path}: ${one.seen}`);
      assert.equal(one.mime, mime, path);
    }
  }
}

async function visit(tab) {
  let loaded = tab.next("Page.loadEventFired");
  await tab.ask("Page.navigate", { url });
  await loaded;
  await check(tab);
  for (const path of Object.keys(PARTS)) {
    assert(at(tab, path).some((one) => one.statuses.includes(200)), `${path} came from elsewhere`);
  }

  // What was modified just now is fresh for a moment, in which the cache answers on its own.
  for (let attempt = 0; !revalidated(tab); attempt += 1) {
    assert(attempt < 5, "no part of the page is revalidated");
    await setTimeout(1000 * attempt);
    tab.clear();
    loaded = tab.next("Page.loadEventFired");
    await tab.ask("Page.reload", { ignoreCache: false });
    await loaded;
    await check(tab);
    assert.deepEqual(at(tab, "")[0].statuses, [304]);
    for (const one of tab.requests.values()) {
      assert(one.statuses.every((status) => status === 304), JSON.stringify(one));
    }
  }

  tab.clear();
  const place = await tab.evaluate(`new Promise((resolve, reject) => {
    const sound = document.createElement("audio");
    sound.preload = "auto";
    sound.onerror = () => reject(new Error(sound.error.message));
    sound.onloadedmetadata = () => (sound.currentTime = sound.duration - 5);
    sound.onseeked = () => resolve([sound.currentTime, sound.duration]);
    sound.src = "sound.wav";
  })`);
  assert.deepEqual(place, [145, 150]);
  const ranges = at(tab, "sound.wav");
  assert.deepEqual(ranges.flatMap((one) => one.statuses), ranges.map(() => 206));
  const starts = ranges.map((one) => Number(/^bytes ([0-9]+)-/.exec(one.range)[1]));
  assert(starts.includes(0) && starts.some((start) => start > 20_000_000), `from ${starts}`);

  assert.deepEqual(tab.failures, []);
  assert.deepEqual(tab.spoken, []);
}

/** Whether a part of the page, and not the page alone, was asked for and had not changed. */
function revalidated(tab) {
  const parts = [...tab.requests.values()].filter((one) => one.type !== "Document");
  return parts.some((one) => one.statuses.includes(304));
}

await withTab(profile, PATIENCE, visit);
console.log("done");
