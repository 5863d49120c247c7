// A call with the vendor's browser SDK. The address names the user, the session, the role and the
// source of the picture; the token is issued here, so that it is in no address.

import { call, signIn } from "./api.js";
import { byId, element, say } from "./elements.js";
import { showNotice, showProblem } from "./problems.js";
import { pathOf } from "./session_card.js";
import { testPicture } from "./test_picture.js";
import { clock } from "./times.js";

const PUBLISHERS = new Set(["publisher", "moderator", "publisheronly"]);
const REASONS = {
  clientDisconnected: "You have left the call.",
  forceDisconnected: "You were removed, or the call has ended.",
  networkDisconnected: "The connection was lost.",
};

const wanted = new URLSearchParams(location.search);
const [user, sessionId] = [wanted.get("user") ?? "", wanted.get("session") ?? ""];
const role = wanted.get("role") || "publisher";
const source = wanted.get("source") || "test";
const problem = document.querySelector(".problem");
const people = new Map(); // connection id -> list item
let picture = null;

byId("chat").addEventListener("submit", (event) => event.preventDefault());
await start();

async function start() {
  byId("who").textContent = `${user}, as ${role}, in the session …${sessionId.slice(-12)}`;
  if (!window.OT) return failed("The vendor’s browser SDK is not installed. Run make setup.");
  try {
    await signIn(user);
  } catch (error) {
    return failed(error.message);
  }
  const asked = { role, data: `name=${user}` };
  const answer = await call("POST", `${pathOf(sessionId)}/tokens`, asked);
  if (answer.status !== 201) {
    byId("state").textContent = "No token was issued.";
    return showProblem(problem, answer);
  }
  join(answer.body);
}

function join({ projectId, token }) {
  const session = OT.initSession(projectId, sessionId);
  session.on({
    connectionCreated: ({ connection }) => entered(session, connection),
    connectionDestroyed: ({ connection }) => left(connection),
    streamCreated: ({ stream }) => watch(session, stream),
    streamDestroyed: () => {}, // the SDK removes the tile
    sessionReconnecting: () => state("Reconnecting …"),
    sessionReconnected: () => state("Connected"),
    sessionDisconnected: ({ reason }) => ended(reason),
    "signal:chat": ({ data, from }) => received(session, data, from),
  });
  session.connect(token, (error) => {
    if (error) return failed(`${error.message} (${error.code ?? error.name})`);
    state("Connected");
    byId("leave").hidden = false;
    byId("leave").addEventListener("click", () => session.disconnect());
    prepareChat(session);
    if (PUBLISHERS.has(role)) publish(session);
  });
}

function publish(session) {
  picture = source === "test" ? testPicture(user) : null;
  const sources =
    source === "none"
      ? { videoSource: null, publishVideo: false }
      : picture && { videoSource: picture.videoSource, audioSource: picture.audioSource };
  const options = { ...sources, name: user, insertMode: "append", width: "100%", height: "100%" };
  const publisher = OT.initPublisher(tile(`You, ${user}`), options, (error) => {
    if (error) return publishFailed(error);
    session.publish(publisher, (refused) => refused && publishFailed(refused));
  });
  publisher.on("streamDestroyed", ({ target }) => {
    target.element?.closest(".tile")?.remove();
    picture?.stop();
  });
}

function publishFailed(error) {
  const advice = error.name?.includes("OT_") ? " Join with the test picture instead." : "";
  showNotice(problem, `Nothing is published: ${error.message}.${advice}`);
}

function watch(session, stream) {
  const place = tile(stream.name || nameOf(stream.connection));
  const options = { insertMode: "append", width: "100%", height: "100%" };
  const subscriber = session.subscribe(stream, place, options, (error) => {
    if (error) place.closest(".tile").remove();
  });
  subscriber.on("destroyed", () => place.closest(".tile").remove());
}

/** Returns the place for a video, in a tile with a caption. */
function tile(name) {
  const place = element("div", { class: "video" });
  const frame = element("figure", { class: "tile" }, place, element("figcaption", {}, name));
  byId("tiles").append(frame);
  return place;
}

function entered(session, connection) {
  if (people.has(connection.connectionId)) return;
  const own = connection.connectionId === session.connection?.connectionId;
  const name = nameOf(connection);
  const item = element(
    "li",
    { "data-connection": connection.connectionId },
    own ? `${name} (you)` : name,
  );
  people.set(connection.connectionId, item);
  byId("people").append(item);
}

function left({ connectionId }) {
  people.get(connectionId)?.remove();
  people.delete(connectionId);
}

function ended(reason) {
  state(REASONS[reason] ?? `The call has ended: ${reason}.`);
  byId("leave").hidden = true;
  byId("text").disabled = true;
  byId("tiles").replaceChildren();
  byId("people").replaceChildren();
  people.clear();
  picture?.stop();
}

function prepareChat(session) {
  const input = byId("text");
  input.disabled = false;
  byId("chat").addEventListener("submit", () => {
    const data = input.value.trim();
    if (!data || input.disabled) return;
    session.signal({ type: "chat", data }, (error) => {
      if (error) showNotice(problem, `The message was not sent: ${error.message}`);
      else input.value = "";
    });
  });
}

function received(session, data, from) {
  const own = from?.connectionId === session.connection?.connectionId;
  const name = own ? "You" : from ? nameOf(from) : "The server";
  const list = byId("messages");
  const time = element("time", {}, clock());
  list.append(element("li", {}, element("b", {}, name), ` ${data} `, time));
  list.scrollTop = list.scrollHeight;
}

/** Returns the name in a connection's data, which this page sets; it proves nothing. */
function nameOf({ connectionId, data }) {
  let text = data ?? "";
  try {
    const known = JSON.parse(text); // the parameter ConnectionData=identified
    text = typeof known?.data === "string" ? known.data : text;
  } catch {
    // the text of the caller
  }
  return /(?:^|&)name=([^&]+)/.exec(text)?.[1] ?? `…${connectionId.slice(-8)}`;
}

function state(text) {
  byId("state").textContent = text;
  say(text);
}

function failed(message) {
  byId("state").textContent = "Not connected";
  showNotice(problem, message);
}
