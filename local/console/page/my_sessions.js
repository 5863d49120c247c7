// The caller's own sessions, newest first, and opening any by its room or id.

import { call, signedIn } from "./api.js";
import { byId, element, once, say } from "./elements.js";
import { clearProblem, showNotice, showProblem } from "./problems.js";
import { pathOf } from "./session_card.js";
import { ago } from "./times.js";

const PAGE = 6;

export class MySessions {
  #cursor = null;
  #open;
  #turn = 0; // a response to an older request is not shown

  /** Calls `open` with the session that the user selects. */
  constructor(open) {
    this.#open = open;
    byId("mine-refresh").addEventListener("click", ({ target }) => once(target, () => this.read()));
    byId("mine-more").addEventListener("click", ({ target }) => once(target, () => this.#more()));
    byId("find").addEventListener("submit", (event) => {
      event.preventDefault();
      const by = event.submitter?.value ?? "room";
      once(event.submitter ?? event.target, () => this.#find(by));
    });
  }

  /** Reads the first page. */
  async read() {
    if (!signedIn()) return;
    const turn = (this.#turn += 1);
    const answer = await call("GET", `/sessions?limit=${PAGE}`);
    if (turn !== this.#turn) return;
    byId("mine").replaceChildren();
    this.#append(answer);
  }

  async #more() {
    const { childElementCount } = byId("mine");
    const turn = this.#turn;
    const cursor = encodeURIComponent(this.#cursor);
    const answer = await call("GET", `/sessions?limit=${PAGE}&cursor=${cursor}`);
    if (turn !== this.#turn) return;
    this.#append(answer);
    byId("mine").children[childElementCount]?.querySelector("button").focus();
  }

  #append(answer) {
    const nothing = byId("no-mine");
    const sessions = answer.body?.sessions ?? [];
    byId("mine").append(...sessions.map((session) => this.#drawn(session)));
    this.#cursor = answer.body?.cursor ?? null;
    byId("mine-more").hidden = this.#cursor === null;
    nothing.hidden = byId("mine").childElementCount > 0;
    nothing.textContent =
      answer.status === 200
        ? "You own no sessions yet."
        : `The sessions cannot be read: ${answer.body?.detail ?? answer.body?.message ?? answer.status}`;
  }

  #drawn(session) {
    const name = session.room ?? `…${session.sessionId.slice(-12)}`;
    return element(
      "li",
      {},
      element(
        "button",
        { type: "button", class: "item", click: () => this.#open(session) },
        element("span", { class: "item-name" }, name),
        element(
          "span",
          { class: "hint" },
          [session.mediaMode, session.state, ago(session.createdAt)].join(" · "),
        ),
      ),
    );
  }

  async #find(by) {
    const form = byId("find");
    const box = form.querySelector(".problem");
    const wanted = byId("f-wanted").value.trim();
    clearProblem(box, form);
    if (!signedIn()) {
      showNotice(box, "Sign in first, at the top of the page.");
      return;
    }
    if (!wanted) {
      showNotice(box, "Enter the name of a room or the ID of a session first.");
      byId("f-wanted").focus();
      return;
    }
    const answer =
      by === "id"
        ? await call("GET", pathOf(wanted))
        : await call("GET", `/sessions?room=${encodeURIComponent(wanted)}`);
    if (answer.status !== 200) {
      showProblem(box, answer, form);
      return;
    }
    const session = by === "id" ? answer.body : answer.body.sessions[0];
    if (!session) {
      showNotice(box, "This room has no session, or you have no access to it.");
      return;
    }
    say("Found.");
    this.#open(session);
  }
}
