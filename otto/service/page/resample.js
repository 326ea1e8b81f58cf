// Runs on the audio thread: from the device's rate to 16 kHz, each sample the mean of what it stands for.

const RATE = 16000, BLOCK = 1024;

class Resample extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    this.left = this.step; // input samples, or parts of one, until the next output sample is whole
    this.sum = 0;
    this.block = new Int16Array(BLOCK);
    this.filled = 0;
  }

  process([input]) {
    for (const sample of input[0] || []) {
      const part = Math.min(1, this.left);
      this.sum += sample * part;
      this.left -= part;
      if (this.left <= 1e-9) {
        this.put(this.sum / this.step);
        this.sum = sample * (1 - part);
        this.left = this.step - (1 - part);
      }
    }
    return true;
  }

  put(sample) {
    this.block[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.filled === BLOCK) {
      const whole = this.block.slice().buffer;
      this.port.postMessage(whole, [whole]);
      this.filled = 0;
    }
  }
}

registerProcessor("resample", Resample);
