// The latest API calls of this page, and their responses.

import { traffic } from "./api.js";
import { byId, element } from "./elements.js";
import { clock } from "./times.js";

const KEPT = 40;

/** Shows every further call, the newest first. */
export function watchRequests() {
  const list = byId("requests");
  traffic.addEventListener("answered", ({ detail }) => {
    list.prepend(drawn(detail));
    while (list.childElementCount > KEPT) list.lastElementChild.remove();
    byId("no-requests").hidden = true;
  });
  byId("requests-clear").addEventListener("click", () => {
    list.replaceChildren();
    byId("no-requests").hidden = false;
  });
}

function drawn(noted) {
  const { method, path, status, ms, user, at } = noted;
  const kind = status >= 500 || status === 0 ? "bad" : status >= 400 ? "odd" : "good";
  const body = element("div", { class: "exchange" });
  const details = element(
    "details",
    {},
    element(
      "summary",
      {},
      element("span", { class: `status ${kind}` }, status || "none"),
      element("span", { class: "what" }, element("b", {}, method), ` ${shortened(path)}`),
      element("span", { class: "who" }, user ?? "not signed in"),
      element("span", { class: "ms" }, `${ms} ms`),
      element("time", { datetime: at.toISOString() }, clock(at)),
    ),
    body,
  );
  details.addEventListener("toggle", () => {
    if (details.open && !body.childElementCount) body.append(...exchange(noted));
  });
  return element("li", {}, details);
}

function exchange({ method, path, headers, sent, status, body, requestId }) {
  const head = [
    `${method} ${path}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ].join("\n");
  const asked = sent === undefined ? head : `${head}\n\n${pretty(sent)}`;
  const answered = [`${status}`, requestId && `apigw-requestid: ${requestId}`];
  const came = answered.filter(Boolean).join("\n");
  return [
    text("Request", asked),
    text("Response", body === null ? came : `${came}\n\n${pretty(body)}`),
  ];
}

const text = (label, content) =>
  element(
    "div",
    {},
    element("p", { class: "label" }, label),
    element("pre", { tabindex: "0", role: "group", "aria-label": label }, content),
  );

/** Returns a path with a shortened session ID, so that its end is visible. */
const shortened = (path) => path.replace(/^(\/sessions\/)[^/?]{20,}([^/?]{4})/, "$1…$2");

const pretty = (value) => JSON.stringify(value, null, 2);
