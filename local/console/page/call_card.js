// The call of the open session: joining it, who is in, and removing clients.

import { call, signedIn } from "./api.js";
import { byId, element, once, say } from "./elements.js";
import { bodyOf } from "./forms.js";
import { clearProblem, showNotice, showProblem } from "./problems.js";
import { pathOf } from "./session_card.js";
import { ago, clock } from "./times.js";

const POLL_MS = 3000;

/** Dispatches `changed`, with the session, after its limit was set. */
export class CallCard extends EventTarget {
  #session = null;
  #names = new Map();
  #turn = 0; // a response to an older request is not shown
  #reading = false;

  constructor() {
    super();
    byId("cap").addEventListener("submit", (event) => {
      event.preventDefault();
      once(event.target.querySelector("button"), () => this.#limit(event.target));
    });
    byId("call-refresh").addEventListener("click", ({ target }) => once(target, () => this.read()));
    byId("join").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join(event.target);
    });
    setInterval(() => {
      if (this.#session && signedIn() && !document.hidden) this.read({ quiet: true });
    }, POLL_MS);
  }

  /** The names of users, by their sub. */
  set names(names) {
    this.#names = names;
  }

  /** Why calls are not available; null if they are. */
  set unavailable(text) {
    byId("call-unavailable").textContent = text ?? "";
    byId("call-unavailable").hidden = !text;
    byId("join").hidden = Boolean(text);
  }

  /** Sets the session, and shows who is in. */
  set session(session) {
    const another = session.sessionId !== this.#session?.sessionId;
    this.#session = session;
    byId("no-call").hidden = true;
    byId("call").hidden = byId("call-refresh").hidden = false;
    byId("join-button").disabled = session.state !== "open";
    byId("cap").querySelector("button").disabled = session.state !== "open";
    byId("cap-maxConnections").value = session.maxConnections ?? "";
    if (another) {
      clearProblem(byId("call-problem"));
      byId("connections").replaceChildren();
      byId("call-live").textContent = "";
    }
    this.read({ quiet: true });
  }

  /** Reads who is in. The owner and moderators see the list, others only the number. */
  async read({ quiet = false } = {}) {
    if (quiet && this.#reading) return;
    const turn = (this.#turn += 1);
    const path = pathOf(this.#session.sessionId);
    this.#reading = true;
    try {
      const listed = await call("GET", `${path}/connections`, undefined, {}, { quiet });
      if (turn !== this.#turn) return;
      if (listed.status === 200) {
        const { state, connections } = listed.body;
        this.#show(state, connections.length, connections);
        return;
      }
      if (listed.status !== 403) return this.#failed(listed);
      const session = await call("GET", path, undefined, {}, { quiet });
      if (turn !== this.#turn) return;
      if (session.status !== 200) return this.#failed(session);
      const { live } = session.body;
      this.#show(live?.state ?? "unknown", live?.connections ?? 0, null);
    } finally {
      this.#reading = false;
    }
  }

  #show(state, count, connections) {
    const live = byId("call-live");
    const text = {
      live: `${count} connected`,
      empty: "Nobody is connected",
      unknown: "Unknown: no callback has been received for this session",
    }[state];
    if (live.textContent !== text) live.textContent = text ?? state;
    byId("call-restricted").hidden = connections !== null;
    byId("cap").hidden = connections === null;
    const list = byId("connections");
    const known = new Map([...list.children].map((item) => [item.dataset.connection, item]));
    const items = (connections ?? []).map(
      (each) => known.get(each.connectionId) ?? this.#drawn(each),
    );
    // An unchanged list keeps its elements, and with them the focus.
    if (items.length !== known.size || items.some((item, at) => item !== list.children[at])) {
      list.replaceChildren(...items);
    }
  }

  #drawn({ connectionId, connectedAt, data, sub }) {
    const name = this.#names.get(sub) ?? sub ?? (data || `…${connectionId.slice(-8)}`);
    const remove = element(
      "button",
      { type: "button", class: "danger", "aria-label": `Remove ${name}` },
      "Remove",
    );
    remove.addEventListener("click", () => once(remove, () => this.#remove(connectionId, name)));
    return element(
      "li",
      { "data-connection": connectionId },
      element(
        "span",
        {},
        element("span", { class: "item-name" }, name),
        element(
          "time",
          { class: "hint", datetime: connectedAt, title: ago(connectedAt) },
          `since ${clock(new Date(connectedAt))}`,
        ),
      ),
      remove,
    );
  }

  async #remove(connectionId, name) {
    const path = `${pathOf(this.#session.sessionId)}/connections/${connectionId}`;
    const answer = await call("DELETE", path);
    // 404: the client has left in the meantime.
    if (answer.status !== 204 && answer.body?.code !== "connection_not_found") {
      showProblem(byId("call-problem"), answer);
      return;
    }
    clearProblem(byId("call-problem"));
    say(`${name} is removed.`);
    await this.read();
  }

  async #limit(form) {
    const { sessionId } = this.#session;
    // An empty input removes the limit.
    const sent = { maxConnections: null, ...bodyOf(form) };
    const answer = await call("PATCH", pathOf(sessionId), sent);
    const box = form.querySelector(".problem");
    if (answer.status !== 200) return showProblem(box, answer, form);
    clearProblem(box, form);
    say(sent.maxConnections === null ? "The limit is removed." : "The limit is set.");
    if (sessionId !== this.#session.sessionId) return;
    this.dispatchEvent(new CustomEvent("changed", { detail: answer.body }));
  }

  #failed(answer) {
    byId("connections").replaceChildren();
    byId("call-live").textContent = `Who is in cannot be read: ${
      answer.body?.detail ?? answer.body?.message ?? answer.status
    }`;
  }

  #join(form) {
    if (!signedIn()) {
      showNotice(byId("call-problem"), "Sign in first, at the top of the page.");
      return;
    }
    clearProblem(byId("call-problem"));
    const query = new URLSearchParams({
      user: signedIn().name,
      session: this.#session.sessionId,
      role: form.elements.role.value,
      source: form.elements.source.value,
    });
    window.open(`/call?${query}`, "_blank", "noopener");
  }
}
