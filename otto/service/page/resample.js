// Runs on the audio thread: from the device's rate to 16 kHz. Each sample is a windowed sinc's view of the sound around
// it, so that what lies above 8 kHz is left out instead of folding back into speech as noise.

const RATE = 16000, BLOCK = 1024;
const CROSSINGS = 12; // zero crossings of the sinc on either side; a tone at 9 kHz is 40 dB down
const FINE = 64;      // points of the table between two input samples
const PASS = 0.92;    // of the new rate's 8 kHz

/** The filter's right half, FINE points an input sample; its sum over whole input samples is 1. */
function kernel(step) {
  const cutoff = PASS / Math.max(1, step), half = Math.ceil(CROSSINGS / cutoff);
  const table = new Float32Array(half * FINE + 1);
  for (let point = 0; point < table.length; point++) {
    const at = point / FINE, x = Math.PI * cutoff * at;
    const hann = 0.5 + 0.5 * Math.cos((Math.PI * at) / half);
    table[point] = cutoff * hann * (x ? Math.sin(x) / x : 1);
  }
  return {half, table};
}

class Resample extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    Object.assign(this, kernel(this.step));
    this.sound = new Float32Array(2 * this.half); // input that later output still looks at
    this.at = this.half;                          // where in `sound` the next output sample lies
    this.block = new Int16Array(BLOCK);
    this.filled = 0;
  }

  process([[fresh]]) {
    if (!fresh) return true;
    const sound = new Float32Array(this.sound.length + fresh.length);
    sound.set(this.sound);
    sound.set(fresh, this.sound.length);
    for (; this.at + this.half < sound.length; this.at += this.step) this.put(this.seen(sound));
    const done = Math.floor(this.at) - this.half;
    this.sound = sound.slice(done);
    this.at -= done;
    return true;
  }

  seen(sound) {
    let sum = 0;
    const last = Math.floor(this.at + this.half);
    for (let index = Math.ceil(this.at - this.half); index <= last; index++)
      sum += sound[index] * this.table[Math.round(Math.abs(index - this.at) * FINE)];
    return sum;
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
