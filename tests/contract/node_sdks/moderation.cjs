// Creates a session with one of the vendor's Node SDKs, connects a client that publishes, moderates
// them, and prints what each call returned as JSON. Standard input: {sdk, url, project, secret}.
const fs = require("node:fs");

const { sdk, url, project, secret } = JSON.parse(fs.readFileSync(0, "utf8"));

const opentok = () => {
  const OpenTok = require("opentok");
  const client = new OpenTok(project, secret, url);
  const call = (name, ...args) =>
    new Promise((resolve, reject) =>
      client[name](...args, (error, result) => (error ? reject(error) : resolve(result))),
    );
  return {
    create: () => call("createSession", { mediaMode: "routed" }),
    token: (session) => client.generateToken(session, {}),
    archive: (session, options) => call("startArchive", session, options),
    calls: (session, stream) => ({
      streams: () => call("listStreams", session),
      layoutClasses: () => call("setStreamClassLists", session, classesOf(stream)),
      muteAllButOne: () => call("forceMuteAll", session, { excludedStreams: [stream] }),
      disableMute: () => call("disableForceMute", session),
      muteStream: () => call("forceMuteStream", session, stream),
      notEmulated: () =>
        call("registerCallback", { group: "connection", event: "created", url: "https://app.example" }),
    }),
  };
};

const vonage = () => {
  const { Auth } = require("@vonage/auth");
  const { MediaMode, Video } = require("@vonage/video");
  const auth = new Auth({ applicationId: project, privateKey: secret });
  const video = new Video(auth, { videoHost: url });
  return {
    create: () => video.createSession({ mediaMode: MediaMode.ROUTED }),
    token: (session) => video.generateClientToken(session),
    archive: (session, options) => video.startArchive(session, options),
    calls: (session, stream) => ({
      streams: async () => (await video.getStreamInfo(session)).items,
      layoutClasses: () => video.setStreamClassLists(session, classesOf(stream)),
      muteAllButOne: () => video.muteAllStreams(session, true, [stream]),
      disableMute: () => video.disableForceMute(session),
      muteStream: () => video.muteStream(session, stream),
      notEmulated: () => video.disconnectWebsocket("00000000-0000-4000-8000-000000000000"),
    }),
  };
};

const classesOf = (stream) => [{ id: stream, layoutClassList: ["full"] }];

async function outcome(call) {
  try {
    return { result: await call() };
  } catch (error) {
    return { error: error.message };
  }
}

async function connect(sessionId, token) {
  const body = JSON.stringify({ sessionId, token });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/_emulator/connect`, { method: "POST", headers, body });
  return (await response.json()).streams[0].id;
}

async function main() {
  const client = sdk === "opentok" ? opentok() : vonage();
  const { sessionId } = await client.create();
  const stream = await connect(sessionId, client.token(sessionId));
  const outcomes = { sessionId };
  for (const [name, call] of Object.entries(client.calls(sessionId, stream))) {
    outcomes[name] = await outcome(call);
  }
  outcomes.archives = [];
  for (const multiArchiveTag of ["one", "two", "two"]) {
    outcomes.archives.push(await outcome(() => client.archive(sessionId, { multiArchiveTag })));
  }
  console.log(JSON.stringify(outcomes));
}

main();
