// Signs users in, and calls the API as the signed-in user.

const RENEW_SECONDS = 60;
const REMEMBERED = "user";

/** Dispatches an `answered` event for every API call. */
export const traffic = new EventTarget();

let user = null;
let wanted = null;

/** The signed-in user: name, sub, token and its expiry in seconds; null without one. */
export const signedIn = () => user;

/** The user who was last signed in in this tab. */
export const remembered = () => sessionStorage.getItem(REMEMBERED);

/**
 * Sign in as one of the stack's users; false when another was chosen in the meantime. Throws an
 * Error with words for people.
 */
export async function signIn(name) {
  wanted = name;
  const answer = await ask("POST", "/console/sign-in", { user: name });
  if (wanted !== name) return false;
  if (answer.status !== 200) throw new Error(answer.body?.message ?? "Signing in failed.");
  user = answer.body;
  sessionStorage.setItem(REMEMBERED, name);
  return true;
}

/** Calls this page's own server; returns status and body. Never throws; status 0: no response. */
export async function ask(method, path, body) {
  return request(method, path, body, {});
}

/**
 * Call the API: `{method, path, sent, status, body, ms, user, at, requestId}`. Never throws: status
 * 0 says that there was no answer. A quiet call is not listed in the last requests.
 */
export async function call(method, path, sent, headers = {}, { quiet = false } = {}) {
  if (user && user.expiresAt - Date.now() / 1000 < RENEW_SECONDS) {
    await signIn(user.name).catch(() => {}); // the gateway rejects the old one
  }
  const caller = user;
  const authorization = caller ? { Authorization: `Bearer ${caller.token}` } : {};
  const at = new Date();
  const begun = performance.now();
  const answer = await request(method, `/api${path}`, sent, { ...authorization, ...headers });
  const noted = {
    method, path, sent, headers, at,
    ...answer,
    ms: Math.round(performance.now() - begun),
    user: caller?.name ?? null,
  };
  if (!quiet) traffic.dispatchEvent(new CustomEvent("answered", { detail: noted }));
  return noted;
}

async function request(method, path, sent, headers) {
  const options = { method, headers: { ...headers } };
  if (sent !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(sent);
  }
  try {
    const answer = await fetch(path, options);
    return {
      status: answer.status,
      body: decoded(await answer.text()),
      requestId: answer.headers.get("apigw-requestid"),
    };
  } catch {
    const message = "The console’s server does not respond. Check that the local stack is running.";
    return { status: 0, body: { message }, requestId: null };
  }
}

function decoded(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}
