"""Reads recordings: WAV, FLAC, OGG, or raw samples, of any usual rate, into mono at 16 kHz.

    >>> samples = read(Path("command.flac"))
    >>> samples.dtype, len(samples) / RATE
    (dtype('int16'), 2.4)

What cannot be a command is refused with a sentence that says what to do.
"""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import MAX_SECONDS, RATE
from otto.audio.pronunciation import INSTALL
from otto.errors import OttoError

RATES = (8_000, 192_000)
"""Lowest and highest sample rate that is read."""
MOST_BYTES = 1 << 30
MOST_SECONDS = 3600.0
RAW = (".raw", ".pcm", ".s16")
"""Endings of files without a header: 16-bit little-endian mono at 16 kHz."""


class SoundFileError(OttoError):
    """A recording that cannot be used; the message names it, and says what is wrong. Seen by the user."""


def read(path: Path, longest: float = MOST_SECONDS) -> NDArray[np.int16]:
    """Shape (n,), mono, 16 kHz. `longest`: seconds; more is refused. Raises `SoundFileError`."""
    if not path.is_file():
        what = "is a folder, not a sound file" if path.is_dir() else "is not there"
        raise SoundFileError(f"{path} {what}.")
    if path.stat().st_size > MOST_BYTES:
        raise SoundFileError(f"{path} is larger than {MOST_BYTES >> 20} MB; cut it into pieces.")
    if not path.stat().st_size:
        raise SoundFileError(f"{path} is empty: nothing was recorded.")
    if path.suffix.lower() in RAW:
        samples, rate = np.fromfile(path, "<i2").astype(np.float32)[:, None] / np.float32(32768), RATE
    else:
        with path.open("rb") as file:
            samples, rate = _decoded(file, str(path), path.stat().st_size)
    return _mono(samples, rate, str(path), longest)


def decode_command(content: bytes) -> NDArray[np.int16]:
    """The same as `read_command`, for a file that is in memory and stays there. Raises `SoundFileError`."""
    name = "the recording"
    if not content:
        raise SoundFileError(f"There is no sound in {name}: it is empty.")
    return _mono(*_decoded(io.BytesIO(content), name, len(content)), name, MAX_SECONDS)


def read_command(path: Path) -> NDArray[np.int16]:
    """A recording of a single command. Raises `SoundFileError`."""
    return read(path, MAX_SECONDS)


_CUT = "cut it, or let `otto listen --input FILE` find the commands in it"


def _mono(samples: NDArray[np.float32], rate: int, name: str, longest: float) -> NDArray[np.int16]:
    """What was decoded, shape (n, channels), as one channel at 16 kHz."""
    seconds = len(samples) / rate
    if not len(samples):
        raise SoundFileError(f"There is no sound in {name}: it lasts 0 s.")
    if seconds > longest:
        raise SoundFileError(
            f"{name} lasts {_length(seconds)}, and at most {_length(longest)} are taken at once; {_CUT}."
        )
    mono = samples.mean(axis=1)
    mono = mono if rate == RATE else resampled(mono, rate)
    whole: NDArray[np.int16] = np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)
    return whole


def _length(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _decoded(content: BinaryIO, name: str, size: int) -> tuple[NDArray[np.float32], int]:
    """Shape (n, channels), and the rate. `size`: bytes in the file."""
    try:
        import soundfile
    except ImportError as error:
        raise SoundFileError(f"Reading sound files needs more packages: {INSTALL}") from error
    try:
        with soundfile.SoundFile(content) as file:
            if not RATES[0] <= file.samplerate <= RATES[1]:
                raise SoundFileError(
                    f"{name} has {file.samplerate} samples a second; record it again with 16000 ({RATES[0]} to "
                    f"{RATES[1]} are understood)."
                )
            told = file.frames
            samples: NDArray[np.float32] = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except soundfile.LibsndfileError as error:
        raise SoundFileError(f"{name} is no sound file that can be read, or it is damaged; {_SAVE}.") from error
    if len(samples) < told or _is_cut(content, size):
        raise SoundFileError(f"{name} is cut short: it holds less sound than it says; {_SAVE}.")
    return samples, rate


_SAVE = "record it again, or save it as WAV or FLAC"


def _is_cut(file: BinaryIO, size: int) -> bool:
    """Whether a WAV file's header promises more than there is. A writer that could not seek promises 4 GB or none."""
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return False
    file.seek(0)
    try:
        with wave.open(file) as told:
            promised: int = told.getnframes() * told.getnchannels() * told.getsampwidth()
    except (wave.Error, EOFError):
        return False  # a form that this module does not know; the decoder has read it
    return size < promised < 0x7FFF0000


def resampled(samples: NDArray[np.float32], rate: int, to: int = RATE) -> NDArray[np.float32]:
    """At 16 kHz, or the rate `to`, by its spectrum; all at once, for pieces of it would ring at the seams."""
    length = max(1, round(len(samples) * to / rate))
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(length // 2 + 1, np.complex128)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return (np.fft.irfft(kept, length) * (length / len(samples))).astype(np.float32)
