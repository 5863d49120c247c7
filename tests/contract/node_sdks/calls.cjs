// Makes every call of the wishes (JSON on standard input) with both of the vendor's Node SDKs.
// Each call has a base URL of its own, `{url}/{SDK}/{call}`, by which the server tells them apart.
// @vonage/video is pinned to its last version that runs on Node 20.

const OpenTok = require("opentok");
const { Video } = require("@vonage/video");

const OPENTOK = {
  start_archive: (sdk, w, done) => sdk.startArchive(w.sessionId, w.fields, done),
  list_archives: (sdk, w, done) => sdk.listArchives({ ...w.page, sessionId: w.sessionId }, done),
  find_archive: (sdk, w, done) => sdk.getArchive(w.id, done),
  stop_archive: (sdk, w, done) => sdk.stopArchive(w.id, done),
  delete_archive: (sdk, w, done) => sdk.deleteArchive(w.id, done),
  arrange_archive: (sdk, w, done) =>
    sdk.setArchiveLayout(w.id, w.fields.type, w.fields.stylesheet, w.fields.screenshareType, done),
  add_to_archive: (sdk, w, done) => sdk.addArchiveStream(w.id, w.fields.addStream, w.fields, done),
  remove_from_archive: (sdk, w, done) => sdk.removeArchiveStream(w.id, w.fields.removeStream, done),
  start_broadcast: (sdk, w, done) => sdk.startBroadcast(w.sessionId, w.fields, done),
  list_broadcasts: (sdk, w, done) =>
    sdk.listBroadcasts({ ...w.page, sessionId: w.sessionId }, done),
  find_broadcast: (sdk, w, done) => sdk.getBroadcast(w.id, done),
  stop_broadcast: (sdk, w, done) => sdk.stopBroadcast(w.id, done),
  arrange_broadcast: (sdk, w, done) =>
    sdk.setBroadcastLayout(w.id, w.fields.type, w.fields.stylesheet, undefined, done),
  add_to_broadcast: (sdk, w, done) =>
    sdk.addBroadcastStream(w.id, w.fields.addStream, w.fields, done),
  remove_from_broadcast: (sdk, w, done) =>
    sdk.removeBroadcastStream(w.id, w.fields.removeStream, done),
  start_captions: (sdk, w, done) => sdk.startCaptions(w.sessionId, w.token, w.fields, done),
  stop_captions: (sdk, w, done) => sdk.stopCaptions(w.id, done),
  start_sip_call: (sdk, w, done) =>
    sdk.dial(w.sessionId, w.token, w.fields.sip.uri, w.fields.sip, done),
  start_render: (sdk, w, done) =>
    sdk.startRender({ sessionId: w.sessionId, token: w.token, ...w.fields }, done),
  list_renders: (sdk, w, done) => sdk.listRenders(w.page, done),
  find_render: (sdk, w, done) => sdk.getRender(w.id, done),
  stop_render: (sdk, w, done) => sdk.stopRender(w.id, done),
  start_audio_connector: (sdk, w, done) =>
    sdk.websocketConnect(w.sessionId, w.token, w.fields.websocket.uri, w.fields.websocket, done),
  disconnect: (sdk, w, done) => sdk.forceDisconnect(w.sessionId, w.id, done),
};

const VONAGE = {
  start_archive: (sdk, w) => sdk.startArchive(w.sessionId, w.fields),
  list_archives: (sdk, w) => sdk.searchArchives({ ...w.page, sessionId: w.sessionId }),
  find_archive: (sdk, w) => sdk.getArchive(w.id),
  stop_archive: (sdk, w) => sdk.stopArchive(w.id),
  delete_archive: (sdk, w) => sdk.deleteArchive(w.id),
  arrange_archive: (sdk, w) => sdk.updateArchiveLayout(w.id, w.fields),
  add_to_archive: (sdk, w) =>
    sdk.addArchiveStream(w.id, w.fields.addStream, w.fields.hasAudio, w.fields.hasVideo),
  remove_from_archive: (sdk, w) => sdk.removeArchiveStream(w.id, w.fields.removeStream),
  start_broadcast: (sdk, w) => sdk.startBroadcast(w.sessionId, w.fields),
  list_broadcasts: (sdk, w) => sdk.searchBroadcasts({ ...w.page, sessionId: w.sessionId }),
  find_broadcast: (sdk, w) => sdk.getBroadcast(w.id),
  stop_broadcast: (sdk, w) => sdk.stopBroadcast(w.id),
  add_to_broadcast: (sdk, w) => sdk.addStreamToBroadcast(w.id, w.fields.addStream),
  remove_from_broadcast: (sdk, w) => sdk.removeStreamFromBroadcast(w.id, w.fields.removeStream),
  start_captions: (sdk, w) => sdk.enableCaptions(w.sessionId, w.token, w.fields),
  stop_captions: (sdk, w) => sdk.disableCaptions(w.id),
  start_sip_call: (sdk, w) => sdk.initiateSIPCall(w.sessionId, { token: w.token, ...w.fields }),
  start_render: (sdk, w) => sdk.startExperienceComposerRender(w.sessionId, w.token, w.fields),
  list_renders: (sdk, w) => sdk.listExperienceComposerRenders(w.page),
  find_render: (sdk, w) => sdk.getExperienceComposerRender(w.id),
  stop_render: (sdk, w) => sdk.stopExperienceComposerRender(w.id),
  start_audio_connector: (sdk, w) =>
    sdk.connectToWebsocket(w.sessionId, w.token, w.fields.websocket),
  stop_audio_connector: (sdk, w) => sdk.disconnectWebsocket(w.id),
  disconnect: (sdk, w) => sdk.disconnectClient(w.sessionId, w.id),
};

// The request has been sent when an SDK rejects the response, and only the request is of interest.
function settled(call) {
  return new Promise((resolve) => {
    try {
      call(resolve);
    } catch {
      resolve();
    }
  });
}

async function main() {
  const { url, apiKey, apiSecret, applicationId, privateKey, wishes } = JSON.parse(
    require("node:fs").readFileSync(0, "utf8"),
  );
  for (const [name, wish] of Object.entries(wishes)) {
    const copy = () => structuredClone(wish);
    if (wish.call in OPENTOK) {
      const base = `${url}/opentok/${encodeURIComponent(name)}`;
      const sdk = new OpenTok(apiKey, apiSecret, base);
      await settled((done) => OPENTOK[wish.call](sdk, copy(), done));
    }
    if (wish.call in VONAGE) {
      const videoHost = `${url}/vonage/${encodeURIComponent(name)}`;
      const sdk = new Video({ applicationId, privateKey }, { videoHost });
      await VONAGE[wish.call](sdk, copy()).catch(() => undefined);
    }
  }
}

main();
