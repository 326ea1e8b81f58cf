"""Voice activity: how likely it is that somebody speaks, for each 32 ms of sound.

    >>> voice = VoiceActivity()
    >>> voice(chunk)
    0.97

The model is Silero VAD v6 (MIT), which the faster-whisper package carries; it runs in onnxruntime on one thread.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, AudioChunk
from otto.errors import ModelFileError

CONTEXT_SAMPLES = 64
"""The model also sees the last 4 ms of the chunk before."""
STATE_SIZE = 128


class VoiceActivity:
    """A stream of chunks in, a probability for each out. It remembers what came before: one object a stream."""

    def __init__(self) -> None:
        """Raises `ModelFileError` where the `voice` extra is missing."""
        self._session = _session()
        self.reset()

    def reset(self) -> None:
        """Forgets what came before, for a new stream."""
        self._h: NDArray[np.float32] = np.zeros((1, 1, STATE_SIZE), np.float32)
        self._c: NDArray[np.float32] = np.zeros((1, 1, STATE_SIZE), np.float32)
        self._before: NDArray[np.float32] = np.zeros(CONTEXT_SAMPLES, np.float32)

    def __call__(self, chunk: AudioChunk) -> float:
        """0 to 1: how likely it is that there is speech in the chunk."""
        samples = chunk.samples.astype(np.float32) / np.float32(32768)
        seen = np.concatenate([self._before, samples]).reshape(1, CONTEXT_SAMPLES + CHUNK_SAMPLES)
        self._before = samples[-CONTEXT_SAMPLES:]
        output, self._h, self._c = self._session.run(None, {"input": seen, "h": self._h, "c": self._c})
        return float(np.asarray(output).ravel()[0])


def model_file() -> Path:
    """Where faster-whisper keeps the model. Raises `ModelFileError`."""
    package = find_spec("faster_whisper")
    found = sorted(Path(str(package.origin)).parent.glob("assets/silero_vad*.onnx")) if package else []
    if not found:
        raise ModelFileError("Voice needs more packages: pip install 'otto-assistant[voice]'")
    return found[-1]


def _session() -> Any:
    path = model_file()
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelFileError("Voice needs more packages: pip install 'otto-assistant[voice]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Without these the threads spin while they wait, which costs more than the model.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
