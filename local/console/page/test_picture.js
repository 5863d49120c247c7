// A camera and a microphone without devices: a moving picture and a quiet tone.

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES_PER_SECOND = 15;
const HERTZ = 330;
const VOLUME = 0.1;

/** Returns `{videoSource, audioSource, stop}` for the SDK; the name is written into the picture. */
export function testPicture(name) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext("2d");
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0) * 37, 0) % 360;
  let frame = 0;
  const draw = () => {
    frame += 1;
    context.fillStyle = `hsl(${hue} 45% 28%)`;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = `hsl(${hue} 70% 70%)`;
    context.fillRect((frame * 8) % WIDTH, HEIGHT - 40, 60, 20);
    context.font = "600 56px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(name, WIDTH / 2, HEIGHT / 2, WIDTH - 40);
  };
  draw();
  // A timer, because a browser paints no frames for a tab in the background.
  const timer = setInterval(draw, 1000 / FRAMES_PER_SECOND);
  const sound = new AudioContext();
  const tone = new OscillatorNode(sound, { frequency: HERTZ });
  const volume = new GainNode(sound, { gain: VOLUME });
  const output = sound.createMediaStreamDestination();
  tone.connect(volume).connect(output);
  tone.start();
  return {
    videoSource: canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks()[0],
    audioSource: output.stream.getAudioTracks()[0],
    stop: () => {
      clearInterval(timer);
      if (sound.state !== "closed") sound.close();
    },
  };
}
