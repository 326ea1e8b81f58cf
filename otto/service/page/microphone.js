// The browser's microphone as 16-bit mono samples at 16 kHz, in blocks of 64 ms.

/** Calls `heard(ArrayBuffer)` until `stop()` of what it returns. Rejects when there is no microphone, or no leave. */
export async function record(heard) {
  if (!navigator.mediaDevices) throw new Error("this page must be opened at 127.0.0.1 or over https");
  const stream = await navigator.mediaDevices.getUserMedia({audio: {channelCount: 1, echoCancellation: true, noiseSuppression: true}});
  const context = new AudioContext();
  await context.audioWorklet.addModule("/page/resample.js");
  const node = new AudioWorkletNode(context, "resample", {numberOfOutputs: 0});
  node.port.onmessage = (message) => heard(message.data);
  context.createMediaStreamSource(stream).connect(node);
  return {
    stop() {
      node.port.onmessage = null;
      for (const track of stream.getTracks()) track.stop();
      context.close();
    },
  };
}
