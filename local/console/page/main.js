// The page: sign-in, the form for sessions, and the connections between the cards.

import { ask, call, remembered, signedIn, signIn } from "./api.js";
import { CallCard } from "./call_card.js";
import { byId, element, once, say } from "./elements.js";
import { FeaturesCard } from "./features_card.js";
import { bodyOf, headersOf, openable } from "./forms.js";
import { MySessions } from "./my_sessions.js";
import { Pools } from "./pools.js";
import { clearProblem, showNotice, showProblem } from "./problems.js";
import { watchRequests } from "./requests.js";
import { SessionCard } from "./session_card.js";
import { TokenCard } from "./token_card.js";

const PLATFORMS = { opentok: "OpenTok", vonage: "Vonage Video" };
const ROLES = ["subscriber", "publisher", "moderator", "publisheronly"];

const sessionCard = new SessionCard();
const tokenCard = new TokenCard();
const callCard = new CallCard();
const featuresCard = new FeaturesCard();
const pools = new Pools();
const mine = new MySessions((session) => sessionCard.show(session, { focus: true }));

sessionCard.addEventListener("shown", ({ detail }) => {
  tokenCard.session = detail;
  callCard.session = detail;
  featuresCard.session = detail;
});
callCard.addEventListener("changed", ({ detail }) => sessionCard.show(detail));
sessionCard.addEventListener("closed", () => mine.read());
watchRequests();
prepareForm();
await start();

async function start() {
  const { status, body } = await ask("GET", "/console/stack");
  if (status !== 200) {
    byId("stack").textContent = body.message;
    return;
  }
  const platform = PLATFORMS[body.platform] ?? body.platform;
  byId("stack").textContent = `Local stack · ${platform}, project ${short(body.projectId)}`;
  byId("api-url").textContent = body.apiUrl;
  sessionCard.names = callCard.names = new Map(body.users.map(({ name, sub }) => [sub, name]));
  callCard.unavailable = body.callsUnavailable;
  byId("users").append(...body.users.map(userChoice));
  byId("c-known").append(...body.users.map(roleChoice));
  pools.start(body.projectId);
  const before = body.users.find(({ name }) => name === remembered());
  if (before) {
    byId(`user-${before.name}`).checked = true;
    await become(before.name);
  }
}

/** Signs a user in and shows everything with that user's permissions. */
async function become(name) {
  const legend = byId("sign-in-legend");
  try {
    if (!(await signIn(name))) return;
  } catch (error) {
    legend.textContent = "Not signed in";
    say(error.message);
    return;
  }
  legend.textContent = "Signed in as";
  say(`You are signed in as ${name}.`);
  for (const box of document.querySelectorAll("form .problem")) clearProblem(box, box.closest("form"));
  tokenCard.forget();
  const { session } = sessionCard;
  await Promise.all([mine.read(), session && sessionCard.lookUp(session.sessionId)]);
}

function userChoice({ name }) {
  const radio = element("input", { type: "radio", name: "user", id: `user-${name}`, value: name });
  radio.addEventListener("change", () => become(name));
  return element(
    "span",
    {},
    radio,
    element(
      "label",
      { for: radio.id },
      element("span", { class: "initial", "aria-hidden": "true" }, name[0].toUpperCase()),
      name,
    ),
  );
}

function roleChoice({ name, sub }) {
  const id = `c-participant-${name}`;
  const attributes = { id, "data-sub": sub };
  const choices = ROLES.map((role) => element("option", {}, role));
  return element(
    "div",
    { class: "field beside" },
    element("label", { for: id }, name),
    element("select", attributes, element("option", { value: "" }, "not listed"), ...choices),
  );
}

function prepareForm() {
  const form = byId("create");
  const box = form.querySelector(".problem");
  openable(form);
  const preview = () => (byId("preview").textContent = previewOf(form));
  form.addEventListener("input", preview);
  form.addEventListener("reset", () => {
    clearProblem(box, form);
    queueMicrotask(preview);
  });
  byId("make-key").addEventListener("click", () => {
    byId("c-key").value = crypto.randomUUID();
    preview();
  });
  preview();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!signedIn()) {
      showNotice(box, "Sign in first, at the top of the page.");
      byId("users").querySelector("input")?.focus();
      return;
    }
    once(form.querySelector("[type=submit]"), () => create(form, box));
  });
}

async function create(form, box) {
  const answer = await call("POST", "/sessions", bodyOf(form), headersOf(form));
  pools.read();
  if (answer.status !== 201 && answer.status !== 200) {
    showProblem(box, answer, form);
    return;
  }
  clearProblem(box, form);
  const { token, ...session } = answer.body;
  sessionCard.show(session, { focus: true });
  tokenCard.forget();
  if (token) tokenCard.show(token);
  say(answer.status === 201 ? "The session is created." : "You have joined the room’s session.");
  mine.read();
}

function previewOf(form) {
  const headers = Object.entries(headersOf(form)).map(([name, value]) => `${name}: ${value}`);
  const body = JSON.stringify(bodyOf(form), null, 2);
  return [["POST /sessions", ...headers].join("\n"), body].join("\n\n");
}

function short(id) {
  return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}
