// The pools, polled while the page is visible.

import { ask } from "./api.js";
import { byId, element, once } from "./elements.js";
import { ago } from "./times.js";

const EVERY_MS = 2000;
const PIPS = 40;
const NEWS_MS = 8000;

export class Pools {
  #project = "";
  #last = new Map();
  #news = new Map();

  /** Starts polling; `project` is not shown. */
  start(project) {
    this.#project = project;
    byId("refill").addEventListener("click", ({ target }) => once(target, () => this.#refill()));
    document.addEventListener("visibilitychange", () => document.hidden || this.read());
    this.#poll();
  }

  /** Reads and shows the pools once. */
  async read() {
    const { status, body } = await ask("GET", "/console/pools");
    const nothing = byId("no-pools");
    if (status !== 200) {
      nothing.textContent = `The pools cannot be read: ${body?.message ?? status}`;
      nothing.hidden = false;
      return;
    }
    for (const pool of body.pools) this.#compare(pool);
    nothing.textContent = "No pool has been filled yet. Wait for the schedule, or refill now.";
    nothing.hidden = body.pools.length > 0;
    byId("pools").replaceChildren(...body.pools.map((pool) => this.#drawn(pool)));
  }

  async #poll() {
    if (!document.hidden) await this.read();
    setTimeout(() => this.#poll(), EVERY_MS);
  }

  async #refill() {
    const { status, body } = await ask("POST", "/console/pools/refill");
    await this.read();
    byId("refilled").replaceChildren(
      ...(status === 200
        ? body.pools.map((pool) => element("p", {}, report(pool)))
        : [element("p", { class: "error" }, `The refill failed: ${body?.message ?? status}`)]),
    );
  }

  /** Records changes, which are shown for a while. */
  #compare(pool) {
    const key = `${pool.projectId}#${pool.name}`;
    const before = this.#last.get(key);
    const change = pool.ready - before;
    if (before !== undefined && change) {
      this.#news.set(key, { change, until: Date.now() + NEWS_MS });
    }
    this.#last.set(key, pool.ready);
  }

  #drawn(pool) {
    const key = `${pool.projectId}#${pool.name}`;
    const wanted = Math.max(pool.wanted ?? 0, pool.ready);
    const news = this.#news.get(key);
    const fresh = news && news.until > Date.now() ? news.change : 0;
    const foreign = pool.projectId === this.#project ? "" : ` of project ${pool.projectId}`;
    return element(
      "li",
      { "data-pool": pool.name },
      element(
        "p",
        { class: "row" },
        element("strong", {}, pool.name + foreign),
        element("span", { class: "count" }, count(pool)),
      ),
      wanted <= PIPS ? pips(pool.ready, wanted, fresh) : bar(pool.ready, wanted),
      element(
        "p",
        { class: "row hint" },
        element("span", {}, pool.refilledAt ? `last full ${ago(pool.refilledAt)}` : "never full"),
        element("span", { class: "news" }, newsText(fresh)),
      ),
    );
  }
}

const count = ({ ready, wanted }) =>
  wanted === null ? `${ready} ready` : `${ready} of ${wanted} ready`;

function newsText(change) {
  if (!change) return "";
  return change < 0 ? `▾ ${-change} taken` : `▴ ${change} added`;
}

function pips(ready, wanted, fresh) {
  const all = Array.from({ length: wanted }, (_, index) => {
    const kinds = [index < ready ? "full" : ""];
    if (fresh > 0 && index < ready && index >= ready - fresh) kinds.push("new");
    if (fresh < 0 && index >= ready && index < ready - fresh) kinds.push("gone");
    return element("span", { class: kinds.join(" ").trim() || null });
  });
  return element("div", { class: "pips", "aria-hidden": "true" }, ...all);
}

function bar(ready, wanted) {
  const filled = element("span", {});
  filled.style.width = `${(100 * ready) / wanted}%`;
  return element("div", { class: "bar", "aria-hidden": "true" }, filled);
}

function report({ options, wanted, available, created, failed, reason }) {
  const found = `${options.mediaMode}: ${created} made, ${available} were there, ${wanted} wanted`;
  return failed ? `${found}; ${failed} missing, because ${reason}` : found;
}
