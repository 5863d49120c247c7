// Recordings and captions of the open session, through the API.

import { call, signedIn } from "./api.js";
import { byId, element, once, say } from "./elements.js";
import { clearProblem, showNotice, showProblem } from "./problems.js";
import { pathOf } from "./session_card.js";
import { ago, clock, span } from "./times.js";

const POLL_MS = 3000;
const RUNNING = new Set(["started", "paused"]);
const CHANGING = new Set(["started", "paused", "stopped", "uploaded"]);

/** The API lists no captions, so this tab remembers the ID with which they can be stopped. */
const remembered = (sessionId) => `captions ${sessionId}`;

export class FeaturesCard {
  #session = null;
  #turn = 0; // a response to an older request is not shown
  #changing = false;

  constructor() {
    byId("record").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#once(byId("record-start"), () => this.#record());
    });
    byId("captions-start").addEventListener("click", ({ target }) =>
      this.#once(target, () => this.#startCaptions()),
    );
    byId("captions-stop").addEventListener("click", ({ target }) =>
      this.#once(target, () => this.#stopCaptions()),
    );
    byId("features-refresh").addEventListener("click", ({ target }) =>
      once(target, () => this.read()),
    );
    setInterval(() => {
      if (this.#changing && signedIn() && !document.hidden) this.read({ quiet: true });
    }, POLL_MS);
  }

  /** Sets the session, and shows its recordings. */
  set session(session) {
    const another = session.sessionId !== this.#session?.sessionId;
    const relayed = session.mediaMode === "relayed";
    this.#session = session;
    byId("no-features").hidden = true;
    byId("features-relayed").hidden = !relayed;
    byId("features").hidden = byId("features-refresh").hidden = relayed;
    byId("record-start").disabled = byId("captions-start").disabled = session.state !== "open";
    if (another) {
      clearProblem(byId("features-problem"));
      byId("archives").replaceChildren();
      byId("no-archives").hidden = false;
    }
    this.#showCaptions();
    this.#changing = false;
    if (!relayed && signedIn()) this.read({ quiet: true });
  }

  /** Reads the recordings. Other users than the owner and moderators may not see them. */
  async read({ quiet = false } = {}) {
    const turn = (this.#turn += 1);
    const path = `${this.#path("archives")}?count=20`;
    const answer = await call("GET", path, undefined, {}, { quiet });
    if (turn !== this.#turn) return;
    byId("features-restricted").hidden = answer.status !== 403;
    byId("features-controls").hidden = answer.status === 403;
    if (answer.status === 200) this.#show(answer.body.items);
    else if (answer.status !== 403) showProblem(byId("features-problem"), answer);
  }

  #show(archives) {
    this.#changing = archives.some(({ status }) => CHANGING.has(status));
    byId("no-archives").hidden = archives.length > 0;
    const list = byId("archives");
    const known = new Map([...list.children].map((item) => [item.dataset.archive, item]));
    const items = archives.map((archive) => {
      const item = known.get(archive.id);
      return item?.dataset.shown === shown(archive) ? item : this.#drawn(archive);
    });
    // An unchanged list keeps its elements, and with them the focus.
    if (items.length !== known.size || items.some((item, at) => item !== list.children[at])) {
      list.replaceChildren(...items);
    }
  }

  #drawn(archive) {
    const { id, name, status, createdAt, duration, url } = archive;
    const title = name || `…${id.slice(-8)}`;
    const facts = [status, `started at ${clock(new Date(createdAt))}`, duration && span(duration)];
    const stop = element(
      "button",
      { type: "button", class: "danger", "aria-label": `Stop recording ${title}` },
      "Stop",
    );
    stop.addEventListener("click", () => this.#once(stop, () => this.#stopRecording(id)));
    const view = url && element("a", { href: url, target: "_blank", rel: "noopener" }, "View");
    return element(
      "li",
      { "data-archive": id, "data-shown": shown(archive) },
      element(
        "span",
        {},
        element("span", { class: "item-name" }, title),
        element(
          "span",
          { class: "hint", title: ago(new Date(createdAt).toISOString()) },
          facts.filter(Boolean).join(", "),
        ),
      ),
      RUNNING.has(status) ? stop : (view ?? ""),
    );
  }

  async #record() {
    const name = byId("record-name").value.trim();
    const answer = await call("POST", this.#path("archives"), name ? { name } : {});
    if (this.#failed(answer, 201)) return;
    byId("record-name").value = "";
    say("The recording has started.");
    await this.read();
  }

  async #stopRecording(id) {
    const answer = await call("POST", `${this.#path("archives")}/${id}/stop`);
    if (this.#failed(answer, 200)) return;
    say("The recording is stopped.");
    await this.read();
  }

  async #startCaptions() {
    const { sessionId } = this.#session;
    const answer = await call("POST", this.#path("captions"), {});
    // Captions that already run can be stopped if the API knows their ID.
    const id = answer.body?.id ?? answer.body?.featureId;
    if (id) sessionStorage.setItem(remembered(sessionId), id);
    this.#showCaptions();
    if (!this.#failed(answer, 202)) say("Captions have started.");
  }

  async #stopCaptions() {
    const { sessionId } = this.#session;
    const id = sessionStorage.getItem(remembered(sessionId));
    const answer = await call("POST", `${this.#path("captions")}/${id}/stop`);
    // 404: they have ended in the meantime.
    if (answer.status !== 404 && this.#failed(answer, 204)) return;
    sessionStorage.removeItem(remembered(sessionId));
    say("Captions are stopped.");
    this.#showCaptions();
  }

  #showCaptions() {
    const running = sessionStorage.getItem(remembered(this.#session.sessionId)) !== null;
    byId("captions-state").textContent = running ? "Captions are running." : "Captions are off.";
    byId("captions-start").hidden = running;
    byId("captions-stop").hidden = !running;
  }

  #path(family) {
    return `${pathOf(this.#session.sessionId)}/${family}`;
  }

  #failed(answer, expected) {
    const failed = answer.status !== expected;
    if (failed) showProblem(byId("features-problem"), answer);
    else clearProblem(byId("features-problem"));
    return failed;
  }

  #once(button, action) {
    if (signedIn()) return once(button, action);
    return showNotice(byId("features-problem"), "Sign in first, at the top of the page.");
  }
}

/** What is shown of an archive; an item is drawn again if it has changed. */
const shown = ({ status, duration, url }) => JSON.stringify([status, duration, Boolean(url)]);
