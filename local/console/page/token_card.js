// The token: issues it, decodes it, shows its remaining time, and connects with it.

import { ask, call, signedIn } from "./api.js";
import { byId, code, copy, element, facts, once, say } from "./elements.js";
import { bodyOf } from "./forms.js";
import { clearProblem, showProblem } from "./problems.js";
import { pathOf } from "./session_card.js";
import { moment, span } from "./times.js";

const MOMENTS = new Set(["iat", "exp", "nbf", "create_time", "expire_time"]);

export class TokenCard {
  #session = null;
  #token = null;
  #ticking = 0;

  constructor() {
    const form = byId("issue");
    const box = form.querySelector(".problem");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      once(event.submitter ?? form.querySelector("[type=submit]"), async () => {
        const { sessionId } = this.#session;
        const asked = signedIn();
        const answer = await call("POST", `${pathOf(sessionId)}/tokens`, bodyOf(form));
        // The page may show another session or user by now.
        if (sessionId !== this.#session.sessionId || asked?.name !== signedIn()?.name) return;
        if (answer.status !== 201) {
          showProblem(box, answer, form);
          return;
        }
        clearProblem(box, form);
        this.show(answer.body);
      });
    });
    byId("connect").addEventListener("click", ({ target }) => once(target, () => this.#connect()));
    byId("copy-token").addEventListener("click", ({ target }) => copy(target, this.#token.token));
  }

  /** Sets the session of the tokens. A different session removes the current token. */
  set session(session) {
    if (session.sessionId !== this.#session?.sessionId) this.forget();
    this.#session = session;
    byId("no-token").hidden = true;
    byId("issue").hidden = false;
  }

  /** Shows a token of an API response. */
  show(token) {
    this.#token = token;
    byId("connected").replaceChildren();
    byId("token").hidden = false;
    byId("token-role").textContent = token.role;
    byId("token-text").textContent = token.token;
    const claims = Object.entries(decoded(token.token)).filter(([, value]) => value !== "");
    facts(
      byId("token-claims"),
      claims.map(([name, value]) => [code(name), claim(name, value)]),
    );
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => this.#tick(), 1000);
    this.#tick();
    say(`A token for a ${token.role}, ${byId("token-left").textContent}.`);
  }

  /** Removes the token. */
  forget() {
    clearInterval(this.#ticking);
    this.#token = null;
    byId("token").hidden = true;
    byId("token-text").textContent = "";
    byId("connected").replaceChildren();
    const form = byId("issue");
    clearProblem(form.querySelector(".problem"), form);
  }

  #tick() {
    const ends = Date.parse(this.#token.expiresAt) / 1000;
    const begins = Date.parse(this.#token.issuedAt) / 1000;
    const left = Math.ceil(ends - Date.now() / 1000);
    const bar = byId("token-life");
    bar.max = Math.max(1, ends - begins);
    bar.value = Math.max(0, left);
    bar.classList.toggle("low", left < 60);
    byId("token-left").textContent = left > 0 ? `expires in ${span(left)}` : "has expired";
    if (left <= 0) {
      clearInterval(this.#ticking);
      say("The token has expired.");
    }
  }

  async #connect() {
    const { sessionId, token } = this.#token;
    const { status, body } = await ask("POST", "/console/connect", { sessionId, token });
    const shown =
      status === 200
        ? element(
            "p",
            { class: "result good" },
            element("strong", {}, "Connected"),
            ` as ${body.role}`,
            body.streams?.length ? ", publishing" : ", not publishing",
            body.data ? `, with the data “${body.data}”` : "",
            ". Connection ",
            code(body.connectionId),
          )
        : element(
            "p",
            { class: "result bad" },
            element("strong", {}, "Refused"),
            body?.code ? ` with ${body.code}` : "",
            `: ${body?.message ?? "the emulator does not answer"}`,
          );
    byId("connected").replaceChildren(shown);
  }
}

function claim(name, value) {
  if (MOMENTS.has(name) && Number.isFinite(Number(value))) {
    return element("span", {}, code(String(value)), ` ${moment(Number(value))}`);
  }
  return code(typeof value === "string" ? value : JSON.stringify(value));
}

/** Returns a JWT's claims or a T1 token's fields, without verifying them. */
function decoded(token) {
  try {
    if (token.startsWith("T1==")) {
      const [head, query] = split(base64(token.slice(4)), ":");
      return Object.fromEntries(new URLSearchParams(`${head}&${query}`));
    }
    const [header, payload] = token.split(".");
    return { alg: JSON.parse(base64(header)).alg, ...JSON.parse(base64(payload)) };
  } catch {
    return {};
  }
}

function split(text, separator) {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

function base64(text) {
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
}
