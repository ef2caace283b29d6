// Visits one of the sites with Chromium, as `scripts/real-sites` asks.
//
// usage: visit.mjs NAME URL PROFILE_DIR PICTURES
//
// What to look at is in visits/NAME.mjs. Every page that it comes to is held to the same: no
// failed request, no warning or error on the console or among the browser's issues, the media
// type and charset that each part is used as, icons that are there, links that lead somewhere.
// Pictures are written to PICTURES.TITLE.png. The last line counts.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import { withTab } from "../clients/chromium.mjs";

const [name, url, profile, pictures] = process.argv.slice(2);
/** Milliseconds that the visit may take. */
const PATIENCE = 90_000;
/** Milliseconds that the page may take to show what is expected. */
const MOMENT = 10_000;

/** Media types that a browser is content with, by what it uses the answer as. */
const TYPES = {
  Document: /^text\/html$/,
  Stylesheet: /^text\/css$/,
  Script: /^text\/javascript$/,
  Image: /^image\//,
  Font: /^font\//,
  Manifest: /^application\/manifest\+json$/,
};
const LOUD = ["warning", "error", "assert"];
/** The browser's issues that an answer can be the cause of; others are about the page's program. */
const ISSUES = [
  "BlockedByResponseIssue",
  "ContentSecurityPolicyIssue",
  "CorsIssue",
  "MixedContentIssue",
  "QuirksModeIssue",
  "StylesheetLoadingIssue",
];

class Visit {
  #tab;
  #known = new Set();
  /** Whether links lead to routes of a program, of which the server need not know. */
  hasRoutes = false;
  /** URLs, or beginnings of such, that the site is known to ask for in vain. */
  inVain = [];
  /** Parts of what the browser says about mistakes of the site's own. */
  mistakes = [];
  pages = 0;
  answers = 0;

  constructor(tab) {
    this.#tab = tab;
  }

  /** Goes to a path, which may lead on. */
  async go(path) {
    this.#tab.clear();
    const loaded = this.#tab.next("Page.loadEventFired");
    await this.#tab.ask("Page.navigate", { url: new URL(path, url).href });
    await loaded;
  }

  /** Goes to a path that answers with a status, and looks about. */
  async open(path, status = 200) {
    await this.go(path);
    await this.#look(path, status);
  }

  /**
   * Waits until a link or a script has led to a path, with query and fragment, or to one that an
   * expression matches; looks about.
   */
  async arrive(path) {
    const here = "location.href.slice(location.origin.length)";
    const isThere = path instanceof RegExp ? `${path}.test(${here})` : `${here} === ${JSON.stringify(path)}`;
    await this.holds(`${isThere} && document.readyState === "complete"`, here);
    await this.#look(await this.#tab.evaluate(here), 200);
  }

  /** Goes back to the page before. */
  async back() {
    const { currentIndex, entries } = await this.#tab.ask("Page.getNavigationHistory");
    await this.#tab.ask("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
  }

  async #look(path, status) {
    await this.#tab.settle();
    this.pages += 1;
    const page = new URL(path, url).href.replace(/#.*/, "");
    for (const one of this.#tab.requests.values()) {
      const wanted = one.type === "Document" && one.url === page ? status : 200;
      if (!one.url?.startsWith("http") || one.isGivenUp) continue;
      if (this.#isInVain(one.url)) continue;
      this.answers += one.statuses.length;
      assert(one.url.startsWith(url), `${path}: asks another site: ${one.url}`);
      const { seen, mime, charset, type } = one;
      assert(seen === wanted || (wanted === 200 && seen === 304), `${path}: ${seen} for ${one.url}`);
      if (wanted === 200) assert.match(mime, TYPES[type] ?? /./, `${path}: ${one.url} is used as ${type}`);
      if (mime.startsWith("text/")) assert.equal(charset, "utf-8", `${path}: charset of ${one.url}`);
    }
    this.#tab.clear();
    this.quiet(path, status);
    await this.#follow(path);
    this.quiet(path, status);
  }

  /** Checks that nothing failed and nothing was said; about a status but 200 something is. */
  quiet(path, status = 200) {
    const { failures, spoken } = this.#tab;
    assert.deepEqual(failures.filter((one) => !this.#isInVain(one.url)), [], path);
    const isLoud = ({ code, exceptionId, level, type }) =>
      code ? ISSUES.includes(code) : exceptionId !== undefined || LOUD.includes(level ?? type);
    const loud = spoken.filter(isLoud);
    const isExpected = ({ source, text, url: target, exception }) =>
      (status !== 200 && source === "network" && text.includes(` ${status} `)) ||
      this.#isInVain(target) ||
      this.mistakes.some((known) => `${text} ${exception?.description}`.includes(known));
    assert.deepEqual(loud.filter((one) => !isExpected(one)), [], path);
    spoken.length = 0;
    failures.length = 0;
  }

  #isInVain(target) {
    return this.inVain.some((known) => target?.startsWith(new URL(known, url).href));
  }

  /** Asks for what the page names and the browser did not ask for: icons, manifest, links. */
  async #follow(path) {
    if ((await this.#tab.evaluate("document.contentType")) !== "text/html") return;
    const links = this.hasRoutes ? "link[href]" : "link[href], a[href]";
    const named = await this.#tab.evaluate(
      `[...document.querySelectorAll("${links}")].map((link) => [link.rel, link.href])`,
    );
    if (!named.some(([relation]) => relation.includes("icon"))) named.push(["icon", `${url}favicon.ico`]);
    const fresh = named
      .map(([relation, target]) => [relation, target.replace(/#.*/, "")])
      .filter(([, target]) => target.startsWith(url) && !this.#known.has(target) && !this.#isInVain(target));
    const targets = [...new Map(fresh.map(([relation, target]) => [target, relation]))];
    const ask = `async ([target, relation]) => {
      const answer = await fetch(target, { method: "HEAD" });
      // An answer that is not read counts as one that was given up.
      await answer.arrayBuffer();
      return [target, relation, answer.status, answer.headers.get("Content-Type")];
    }`;
    const answers = await this.#tab.evaluate(
      `(async (ask, targets) => {
        const answers = [];
        const work = async () => { while (targets.length > 0) answers.push(await ask(targets.pop())); };
        await Promise.all([work(), work(), work(), work()]);
        return answers;
      })(${ask}, ${JSON.stringify(targets)})`,
    );
    for (const [target, relation, status, type] of answers) {
      assert.equal(status, 200, `${path}: the link to ${target}`);
      if (relation.includes("icon")) assert.match(type, TYPES.Image, target);
      this.#known.add(target);
    }
    this.answers += answers.length;
    await this.#tab.settle();
    this.#tab.clear();
  }

  /** Waits until an expression, or what it promises, is true; `shown` is told if that does not happen. */
  async holds(expression, shown = "document.body.innerText") {
    const end = Date.now() + MOMENT;
    // While the page is exchanged for the next there is nothing that could answer.
    const ask = (what) => this.#tab.evaluate(what).catch((error) => error.message);
    while ((await ask(`(async () => Boolean(await (${expression})))()`)) !== true) {
      if (Date.now() > end) {
        this.quiet(expression);
        assert.fail(`not so: ${expression}\n${await ask(shown)}`);
      }
      await setTimeout(20);
    }
  }

  /** Waits until an element is there to be seen, and has a text in it. */
  async see(selector, text = "") {
    const [element, words] = [selector, text].map((one) => JSON.stringify(one));
    await this.holds(`[...document.querySelectorAll(${element})].some((one) =>
      one.checkVisibility({ visibilityProperty: true }) && one.innerText.includes(${words}))`);
  }

  /** Waits until all images in the window are there. */
  async seeImages(count) {
    await this.holds(`document.images.length >= ${count}
      && [...document.images].every((image) => image.complete && image.naturalWidth > 0)`,
    "[...document.images].map((image) => image.currentSrc).join('\\n')");
  }

  /** Waits until an element has a style. */
  async seeStyle(selector, property, value) {
    const style = `getComputedStyle(document.querySelector(${JSON.stringify(selector)}))[${JSON.stringify(property)}]`;
    await this.holds(`${style} === ${JSON.stringify(value)}`, style);
  }

  /** Clicks on the middle of an element. */
  async click(selector) {
    await this.see(selector);
    // While one page is blended into the next, no click is taken.
    await this.holds("!document.documentElement.matches(':active-view-transition')");
    const [x, y] = await this.#tab.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const box = element.getClientRects()[0];
      return [box.x + box.width / 2, box.y + box.height / 2];
    })()`);
    const at = { x, y, button: "left", clickCount: 1 };
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.#tab.ask("Input.dispatchMouseEvent", { type, ...at });
    }
  }

  /** Types a text, key by key, into an element. */
  async type(selector, text) {
    await this.click(selector);
    for (const key of text) {
      await this.#tab.ask("Input.dispatchKeyEvent", { type: "keyDown", key, text: key });
      await this.#tab.ask("Input.dispatchKeyEvent", { type: "keyUp", key });
    }
  }

  /** Takes a picture of the window. */
  async picture(title) {
    await this.#tab.settle();
    const { data } = await this.#tab.ask("Page.captureScreenshot", { format: "png" });
    writeFileSync(`${pictures}.${title}.png`, Buffer.from(data, "base64"));
  }
}

const { default: look } = await import(`./visits/${name}.mjs`);
await withTab(profile, PATIENCE, async (tab) => {
  const visit = new Visit(tab);
  await look(visit);
  await tab.settle();
  visit.quiet("at the end");
  console.log(`${visit.pages} pages, ${visit.answers} answers`);
});
