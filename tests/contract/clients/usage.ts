// What an app does with the types that openapi-typescript makes of openapi.yaml: alice opens a room,
// bob joins it, is refused what is not his, and alice closes it. Prints one line of JSON.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };

type Schemas = components["schemas"];
type Failure = Schemas["Problem"] | Schemas["GatewayMessage"];

const room = process.env["ROOM"] ?? "";
const alice = signedIn("ALICE");
const bob = signedIn("BOB");

const opened = await alice.POST("/sessions", {
  params: { header: { "Idempotency-Key": `open ${room}` } },
  body: { room, features: ["archiving"], token: { role: "moderator", expiresIn: 600 } },
});
const session: Schemas["Session"] = opened.data ?? failed(opened.error);
const sessionId = session.sessionId;
const moderator: Schemas["Token"] | undefined = session.token;

const joined = await bob.POST("/sessions", { body: { room, token: {} } });
const found = await bob.GET("/sessions", { params: { query: { room } } });
const seen = await bob.GET("/sessions/{sessionId}", { params: { path: { sessionId } } });
const refused = await bob.POST("/sessions/{sessionId}/tokens", {
  params: { path: { sessionId } },
  body: { role: "moderator" },
});
const wrong = await bob.POST("/sessions", { body: { mediaMode: "relayed", archiveMode: "always" } });
// No client is connected, so nothing can be recorded. A participant cannot broadcast.
const recording = await alice.POST("/sessions/{sessionId}/archives", {
  params: { path: { sessionId } },
  body: { name: "Minutes", resolution: "1280x720" },
});
const archives = await alice.GET("/sessions/{sessionId}/archives", {
  params: { path: { sessionId }, query: { count: 10 } },
});
const streaming = await bob.POST("/sessions/{sessionId}/broadcasts", {
  params: { path: { sessionId } },
  body: { outputs: { hls: { lowLatency: true } } },
});
const closed = await alice.DELETE("/sessions/{sessionId}", { params: { path: { sessionId } } });
const late = await bob.POST("/sessions/{sessionId}/tokens", { params: { path: { sessionId } } });

console.log(
  JSON.stringify({
    opened: opened.response.status,
    moderator: moderator?.role,
    joined: joined.response.status,
    together: joined.data?.sessionId === sessionId,
    publisher: joined.data?.token?.role,
    found: found.data?.sessions.map((each) => each.state),
    seen: seen.data?.mediaMode,
    refused: code(refused.error),
    wrong: wrong.error && "errors" in wrong.error ? wrong.error.errors?.[0]?.field : undefined,
    recording: code(recording.error),
    archives: archives.data?.count,
    streaming: code(streaming.error),
    closed: closed.response.status,
    late: code(late.error),
  }),
);

// The types know what the API refuses. Each line below must fail to compile without its comment.

// @ts-expect-error no such member
export const misspelt: Schemas["CreateSession"] = { rom: "lobby" };
// @ts-expect-error no such role
export const host: Schemas["IssueToken"] = { role: "host" };
// @ts-expect-error seconds are a number
export const text: Schemas["IssueToken"] = { expiresIn: "600" };
// @ts-expect-error a session always has a state
export const stateless: Pick<Schemas["Session"], "owner" | "state"> = { owner: "alice" };
// @ts-expect-error a broadcast needs outputs
export const nowhere: Schemas["StartBroadcast"] = { maxDuration: 60 };
// @ts-expect-error a stream's key is never returned
export const key: Schemas["RtmpStatus"] = { streamName: "key" };

function signedIn(user: string) {
  return createClient<paths>({
    baseUrl: process.env["API_URL"] ?? "",
    headers: { authorization: `Bearer ${process.env[user]}` },
  });
}

function code(failure: Failure | undefined): Schemas["ErrorCode"] | undefined {
  return failure && "code" in failure ? failure.code : undefined;
}

function failed(failure: Failure | undefined): never {
  throw new Error(JSON.stringify(failure));
}
