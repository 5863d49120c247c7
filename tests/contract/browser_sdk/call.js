// What the tests call in a tab: functions that resolve to plain values, and a list of events.
window.seen = [];
window.subscribers = {};
const note = (name, fields = {}) => window.seen.push({event: name, ...fields});
const record = (target, name, fields) => target.on(name, (e) => note(name, fields(e)));
const failure = (error) => ({code: error.code, name: error.name, message: error.message});
window.join = (key, sessionId, token) => new Promise((resolve) => {
  const session = window.session = OT.initSession(key, sessionId);
  const connection = ({connection: c}) => ({id: c.connectionId, data: c.data});
  const ended = (e) => ({...connection(e), reason: e.reason});
  record(session, "connectionCreated", connection);
  record(session, "connectionDestroyed", ended);
  record(session, "streamCreated", ({stream}) => ({id: stream.streamId, name: stream.name}));
  record(session, "streamDestroyed", (e) => ({id: e.stream.streamId, reason: e.reason}));
  record(session, "streamPropertyChanged", (e) => (
    {property: e.changedProperty, value: e.newValue}));
  record(session, "sessionDisconnected", (e) => ({reason: e.reason}));
  record(session, "sessionReconnecting", () => ({}));
  record(session, "sessionReconnected", () => ({}));
  record(session, "signal", (e) => (
    {type: e.type, data: e.data, from: e.from ? e.from.connectionId : null}));
  record(session, "archiveStarted", (e) => ({id: e.id}));
  record(session, "archiveStopped", (e) => ({id: e.id}));
  record(session, "muteForced", (e) => ({active: e.active}));
  session.connect(token, (error) => resolve(error
    ? failure(error)
    : {connectionId: session.connection.connectionId, capabilities: {...session.capabilities}}));
});
window.publish = (options) => new Promise((resolve) => {
  const publisher = window.publisher = OT.initPublisher("publisher",
    {insertMode: "append", ...options});
  publisher.on("muteForced", () => note("publisherMuted"));
  publisher.on("streamDestroyed", (e) => {
    e.preventDefault();
    note("publisherStreamDestroyed", {reason: e.reason});
  });
  window.session.publish(publisher, (error) => resolve(error
    ? failure(error) : {streamId: publisher.stream.streamId}));
});
window.subscribe = (streamId) => new Promise((resolve) => {
  const stream = window.session.streams.get(streamId);
  const subscriber = window.session.subscribe(stream, "subscribers", {insertMode: "append"},
    (error) => resolve(error ? failure(error) : {}));
  window.subscribers[streamId] = subscriber;
  subscriber.on("audioLevelUpdated", (e) => {
    subscriber.peak = Math.max(subscriber.peak || 0, e.audioLevel);
  });
});
window.media = (streamId) => {
  const subscriber = window.subscribers[streamId];
  const video = subscriber.element.querySelector("video");
  return {time: video.currentTime, width: video.videoWidth, audio: subscriber.peak || 0};
};
window.send = (signal) => new Promise((resolve) => window.session.signal(signal, (error) =>
  resolve(error ? failure(error) : {})));
