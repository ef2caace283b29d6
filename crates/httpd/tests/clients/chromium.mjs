// Chromium without a window, over the pipe of the DevTools protocol.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { setTimeout } from "node:timers/promises";

const FLAGS = [
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
  // Other hosts are not there, wherever this runs.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  "--window-size=1200,900",
  "--remote-debugging-pipe",
];

/** The browser's end of the pipe: what is asked and answered, and what happens. */
class Browser extends EventEmitter {
  #process;
  #pending = new Map();
  #sent = 0;
  #received = "";
  /** What it wrote to standard error. */
  complaints = "";

  constructor(profile) {
    super();
    this.#process = spawn("chromium", [...FLAGS, `--user-data-dir=${profile}`], {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    });
    const [, , errors, , output] = this.#process.stdio;
    errors.on("data", (text) => (this.complaints += text));
    output.setEncoding("utf8").on("data", (text) => this.#take(text));
  }

  #take(text) {
    const messages = (this.#received + text).split("\0");
    this.#received = messages.pop();
    for (const { id, method, params, result, error } of messages.map(JSON.parse)) {
      if (id === undefined) {
        this.emit(method, params);
        continue;
      }
      const { resolve, reject } = this.#pending.get(id);
      this.#pending.delete(id);
      if (error) reject(new Error(error.message));
      else resolve(result);
    }
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = (this.#sent += 1);
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  async close() {
    const ended = once(this.#process, "exit");
    await this.ask("Browser.close");
    await ended;
  }

  kill() {
    this.#process.kill("SIGKILL");
  }
}

/** A tab: what its network did and what was said in it, its workers included. */
export class Tab {
  #browser;
  #session;
  /** By number, since `clear`: url, type, statuses on the wire, what the page saw of the answer. */
  requests = new Map();
  /** Requests without an answer. */
  failures = [];
  /** What the page, or the browser about it, wrote to the console. */
  spoken = [];

  static async open(browser) {
    const tab = new Tab();
    tab.#browser = browser;
    tab.#listen();
    const { targetId } = await browser.ask("Target.createTarget", { url: "about:blank" });
    const target = await browser.ask("Target.attachToTarget", { targetId, flatten: true });
    tab.#session = target.sessionId;
    for (const domain of ["Network", "Page", "Runtime", "Log", "Audits"]) await tab.ask(`${domain}.enable`);
    // A worker is a target of its own, and waits until it is listened to.
    const attach = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
    await tab.ask("Target.setAutoAttach", attach);
    return tab;
  }

  ask(method, params) {
    return this.#browser.ask(method, params, this.#session);
  }

  /** Waits for an event of this tab. */
  next(event) {
    return once(this.#browser, event);
  }

  async evaluate(expression) {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", options);
    assert(!exceptionDetails, JSON.stringify(exceptionDetails));
    return result.value;
  }

  clear() {
    this.requests.clear();
  }

  /** Waits until no request is under way. */
  async settle() {
    // One without a URL was forgotten, and more was heard of it since.
    const waiting = () => [...this.requests.values()].filter((one) => one.url && !one.finished);
    for (let pause = 0; waiting().length > 0; pause += 1) {
      assert(pause < 250, `no end of ${JSON.stringify(waiting())}`);
      await setTimeout(20);
    }
  }

  #request(id) {
    if (!this.requests.has(id)) this.requests.set(id, { statuses: [] });
    return this.requests.get(id);
  }

  #listen() {
    const on = (event, listener) => this.#browser.on(event, listener);
    on("Network.requestWillBeSent", ({ requestId, loaderId, request: { url }, type }) => {
      Object.assign(this.#request(requestId), { url, type, loaderId });
    });
    // What the page before was still waiting for is given up, and may be heard of no more.
    on("Page.frameNavigated", ({ frame }) => {
      if (frame.parentId !== undefined) return;
      for (const [id, one] of this.requests) {
        if (!one.finished && one.loaderId !== frame.loaderId) this.requests.delete(id);
      }
    });
    // What came over the wire, also where the page is given what was in the cache.
    on("Network.responseReceivedExtraInfo", ({ requestId, statusCode, headers }) => {
      const request = this.#request(requestId);
      request.statuses.push(statusCode);
      const range = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-range");
      request.range = range?.[1];
    });
    on("Network.responseReceived", ({ requestId, response, type }) => {
      const { status: seen, mimeType: mime, charset } = response;
      Object.assign(this.#request(requestId), { seen, mime, charset, type });
    });
    on("Network.loadingFinished", ({ requestId }) => (this.#request(requestId).finished = true));
    on("Network.loadingFailed", ({ requestId, errorText, canceled }) => {
      const request = this.#request(requestId);
      request.finished = true;
      // The page gives up a range when a player jumps to another, and what it fetched ahead.
      request.isGivenUp = canceled && errorText === "net::ERR_ABORTED";
      if (!request.isGivenUp) this.failures.push({ ...request, errorText });
    });
    on("Runtime.consoleAPICalled", ({ type, args }) => this.spoken.push({ type, args }));
    on("Runtime.exceptionThrown", ({ exceptionDetails }) => this.spoken.push(exceptionDetails));
    on("Log.entryAdded", ({ entry }) => this.spoken.push(entry));
    on("Audits.issueAdded", ({ issue }) => this.spoken.push(issue));
    on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type === "page") return;
      for (const method of ["Network.enable", "Runtime.enable", "Runtime.runIfWaitingForDebugger"]) {
        this.#browser.ask(method, {}, sessionId).catch(() => {});
      }
    });
  }
}

/**
 * Visits with a tab of a browser of its own, whose files are in `profile`. Ends the process with
 * status 1 and the reason if the visit fails or takes longer than `patience` milliseconds.
 */
export async function withTab(profile, patience, visit) {
  const browser = new Browser(profile);
  const fail = (error) => {
    // It misses the message bus of a desktop, several times a second.
    const complaints = browser.complaints.split("\n").filter((line) => !line.includes("dbus"));
    console.error(error, `\n${complaints.join("\n")}`);
    browser.kill();
    process.exit(1);
  };
  const late = () => fail(new Error("the browser takes too long"));
  const deadline = globalThis.setTimeout(late, patience);
  try {
    await visit(await Tab.open(browser));
    await browser.close();
    clearTimeout(deadline);
  } catch (error) {
    fail(error);
  }
}
