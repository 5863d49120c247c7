// The open session.

import { call } from "./api.js";
import { byId, code, copy, element, facts, once, say } from "./elements.js";
import { clearProblem, showProblem } from "./problems.js";
import { moment } from "./times.js";

const SOURCES = {
  pool: "served from the pool",
  created: "created by the vendor",
  registered: "registered",
  room: "already the room’s",
};
const MODES = {
  routed: "Routed: media goes through the media router",
  relayed: "Relayed: media goes directly between the clients",
};

/** The path of a session in the API. */
export const pathOf = (sessionId) => `/sessions/${encodeURIComponent(sessionId)}`;

export class SessionCard extends EventTarget {
  #session = null;
  #names = new Map();
  #turn = 0; // a response to an older request is not shown

  constructor() {
    super();
    byId("session-refresh").addEventListener("click", ({ target }) =>
      once(target, () => this.lookUp(this.#session.sessionId)),
    );
    byId("session-copy").addEventListener("click", ({ target }) =>
      copy(target, this.#session.sessionId),
    );
    byId("session-close").addEventListener("click", ({ target }) =>
      once(target, () => this.#close()),
    );
  }

  /** The open session, or null. */
  get session() {
    return this.#session;
  }

  /** The names of users, by their sub. */
  set names(names) {
    this.#names = names;
  }

  /** Shows a session and dispatches `shown`. */
  show(session, { focus = false } = {}) {
    this.#turn += 1;
    this.#session = session;
    clearProblem(byId("session-problem"));
    byId("no-session").hidden = true;
    byId("session").hidden = false;
    byId("session-badges").replaceChildren(
      badge(session.state, session.state === "open" ? "good" : "bad"),
      badge(SOURCES[session.source] ?? session.source, session.source === "pool" ? "good" : ""),
      ...(session.room ? [badge(`room ${session.room}`)] : []),
    );
    byId("session-mode").textContent = MODES[session.mediaMode] ?? session.mediaMode;
    byId("session-reason").textContent = `Why: ${session.mediaModeReason}.`;
    facts(byId("session-facts"), this.#facts(session));
    byId("session-close").hidden = session.state !== "open";
    this.dispatchEvent(new CustomEvent("shown", { detail: session }));
    if (focus) byId("session-heading").focus();
  }

  /** Gets a session from the API and shows it. */
  async lookUp(sessionId) {
    const turn = (this.#turn += 1);
    const answer = await call("GET", pathOf(sessionId));
    if (turn !== this.#turn) return;
    if (answer.status === 200) {
      this.show(answer.body);
      say("The session is up to date.");
    } else {
      showProblem(byId("session-problem"), answer);
    }
  }

  async #close() {
    const { sessionId } = this.#session;
    const answer = await call("DELETE", pathOf(sessionId));
    if (answer.status !== 204) {
      showProblem(byId("session-problem"), answer);
      return;
    }
    await this.lookUp(sessionId);
    say("The session is closed, and its call ends. No more tokens are issued for it.");
    this.dispatchEvent(new CustomEvent("closed"));
    byId("session-heading").focus();
  }

  #facts(session) {
    const named = session.apiKey ? "API key" : "Application ID";
    return [
      ["Session ID", code(session.sessionId)],
      [named, code(session.apiKey ?? session.applicationId ?? session.projectId)],
      ["Owner", this.#person(session.owner)],
      ["Since", moment(session.createdAt)],
      ["Reuse", session.reuse],
      ["Opens", session.opensAt && moment(session.opensAt)],
      ["Closes", session.closesAt && moment(session.closesAt)],
      ["Connections", session.maxConnections && `at most ${session.maxConnections}`],
      ["Archive", archive(session)],
      ["Location", session.location && code(session.location)],
      ["Encryption", session.e2ee ? "end to end" : undefined],
      ["Adaptive routing", adaptive(session.adaptiveMediaRouting)],
      ["Admitted", this.#admitted(session.participants)],
    ];
  }

  #person(sub) {
    return this.#names.get(sub) ?? code(sub);
  }

  #admitted(participants) {
    if (!participants) return undefined;
    const people = Object.entries(participants);
    if (!people.length) return "only the owner";
    return element(
      "ul",
      {},
      ...people.map(([sub, role]) => element("li", {}, this.#person(sub), `: ${role}`)),
    );
  }
}

const badge = (text, kind = "") => element("span", { class: `badge ${kind}`.trim() }, text);

function archive(session) {
  if (session.archiveMode !== "always") return session.archiveMode;
  return ["always", session.archiveName, session.archiveResolution].filter(Boolean).join(", ");
}

function adaptive(routing) {
  if (!routing?.available) return undefined;
  const { web, native } = routing.minimumClientVersions ?? {};
  return `two people alone go direct, from web ${web} and native ${native} on`;
}
