// Visits a site with the fetch of Node.
//
// usage: with_fetch.mjs URL DIR CODED_URL

import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

const [url, root, codedUrl] = process.argv.slice(2);

let connections = 0;
channel("undici:client:connected").subscribe(() => (connections += 1));

const bytes = async (answer) => Buffer.from(await answer.arrayBuffer());
const read = (name) => readFileSync(join(root, name));
const encoded = (name) => name.split("/").map(encodeURIComponent).join("/");

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
assert(files.length > 50);

for (const name of files) {
  const answer = await fetch(url + encoded(name));
  assert.equal(answer.status, 200, name);
  assert((await bytes(answer)).equals(read(name)), name);

  const headers = { "If-None-Match": answer.headers.get("etag") };
  const again = await fetch(url + encoded(name), { headers });
  assert.equal(again.status, 304, name);
  assert.equal((await bytes(again)).length, 0, name);
}

const redirected = await fetch(`${url}pages?a=b`);
assert(redirected.redirected);
assert.equal(redirected.url, `${url}pages/?a=b`);
assert((await bytes(redirected)).equals(read("pages/index.html")));

const missing = await fetch(`${url}none`);
assert.equal(missing.status, 404);
assert((await bytes(missing)).equals(read("404.html")));

const part = await fetch(`${url}megabyte.bin`, { headers: { Range: "bytes=1000-1999" } });
assert.equal(part.status, 206);
assert((await bytes(part)).equals(read("megabyte.bin").subarray(1000, 2000)));
// The pool takes a second one if a request comes while the first winds up.
assert(connections <= 2, `${connections} connections`);

const refused = await fetch(url, { method: "POST", body: "x".repeat(100_000) });
assert.equal(refused.status, 405);
assert.equal(refused.headers.get("allow"), "GET, HEAD, OPTIONS");
await bytes(refused);

// It ends the connection behind HEAD, for fear of a body.
for (const name of files) {
  const headers = { "Accept-Encoding": "identity" };
  const head = await fetch(url + encoded(name), { method: "HEAD", headers });
  assert.equal(head.status, 200, name);
  assert.equal(head.headers.get("content-length"), String(read(name).length), name);
  assert.equal((await bytes(head)).length, 0, name);
}

// A body that is given up costs the connection, and no more.
for (let round = 0; round < 5; round += 1) {
  const controller = new AbortController();
  const answer = await fetch(`${url}megabyte.bin`, { signal: controller.signal });
  const reader = answer.body.getReader();
  assert((await reader.read()).value.length > 0);
  controller.abort();
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, { name: "AbortError" });
  assert((await bytes(await fetch(url))).equals(read("index.html")));
}

const many = files.flatMap((name) => [name, name]);
await Promise.all(many.map(async (name) => {
  assert((await bytes(await fetch(url + encoded(name)))).equals(read(name)), name);
}));

const coded = await fetch(codedUrl);
assert.equal(coded.headers.get("content-encoding"), "gzip");
const plain = await fetch(codedUrl, { headers: { "Accept-Encoding": "identity" } });
assert.equal(plain.headers.get("content-encoding"), null);
assert((await bytes(coded)).equals(await bytes(plain)));

console.log("done");
