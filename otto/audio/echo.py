"""Otto's own voice taken out of what the microphone hears while it speaks, so that somebody else can be heard.

    >>> echo = EchoCanceller()
    >>> echo.begin(playback)                # a reply begins
    >>> found = echo(chunk)                 # each 32 ms from then on
    >>> found.known                         # False: where its own voice is in the sound is not known yet; be deaf
    >>> found.chunk                         # without its own voice

What is played is known sample by sample; when it is heard is not, because sound servers wait. So the delay is looked
for first (cross-correlation with whitened spectra, Knapp and Carter 1976), then an adaptive filter learns loudspeaker
and room (partitioned block frequency domain, Soo and Pang 1990), and what it leaves is damped by as much as it usually
leaves (Wiener gain). A delay is believed when the filter that was made for it explains what is heard afterwards.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otto.audio.chunk import CHUNK_SAMPLES, RATE, AudioChunk

Samples = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

PARTS = 8
"""Blocks of the filter: 8 times 32 ms of loudspeaker and room."""
LOOK_SECONDS = 0.5
"""Sound in which the delay is looked for."""
MOST_DELAY = 2.5
"""Seconds between handing a sample to the sound system and hearing it."""
LEAD = 64
"""Samples of the filter before the delay that was found, which is the loudest way and not always the first."""
SURE_PEAK = 14.0
"""Height of the correlation's peak over its root mean square from which a delay is tried."""
FADE = 256
"""Samples at either end."""
PEAK = 5.0
"""The same where the filter can be asked at once whether it is right."""
EXPLAINED = 0.4
"""Share of the power that the filter may leave for a delay to be believed."""
MOVED_CHUNKS = 8
MOVED_SECONDS = 0.5
"""How far the delay may have moved, and over how much sound that is looked at."""
HELD_OUT = 2
"""Chunks in which it is seen whether learning from those before them helps."""
HELPED = 0.85
"""What learning again may leave of the rest of what was its own voice."""
_PROOF = 5
"""Chunks over which that is looked at."""
_ENOUGH = 10
"""Chunks with a voice that it has to have heard before: the filter knows only the frequencies that it has heard."""
_EVERY = 4
"""Chunks between two looks for the delay."""
_BAND = (150, 6000)
"""Hertz that are compared."""
_STEP, _STEP_BACK = 0.6, 0.3
"""Of the filter, for new sound and for sound that it learns from again; 1 would believe every block."""
_MORE = 3.0
"""By how much more than usual the rest of the echo may be before it counts as somebody else."""
_BACK = 8
"""Times that the filter learns from the sound in which the delay was found."""
_FADE = 0.7
"""What is left of the echo's reverberation after another 32 ms."""
_QUIET = 1e-4
"""Power of a chunk in which there is nothing to learn from."""


class Playback:
    """What is being played: 16 kHz mono, growing while it is made. Written by one thread, read by another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples = np.zeros(RATE, np.float32)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, samples: NDArray[np.int16]) -> None:
        """The next samples."""
        with self._lock:
            while self._length + len(samples) > len(self._samples):
                self._samples = np.concatenate([self._samples, np.zeros_like(self._samples)])
            self._samples[self._length : self._length + len(samples)] = samples / np.float32(32768)
            self._length += len(samples)

    def between(self, start: int, end: int) -> Samples:
        """Shape (end - start,), -1 to 1; zeros before the beginning and after the end."""
        found = np.zeros(max(0, end - start), np.float32)
        with self._lock:
            first, last = max(0, start), min(end, self._length)
            if last > first:
                found[first - start : last - start] = self._samples[first:last]
        return found


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A chunk of the microphone without Otto's own voice."""

    chunk: AudioChunk
    known: bool
    """Whether it is known what of the sound is its own voice; else it is the sound as it was."""
    foreign: float = 0.0
    """Power of what is left over the power that the voice and its reverberation have here."""


class EchoCanceller:
    """One microphone and one loudspeaker. What it learnt of the room it keeps from one reply to the next."""

    def __init__(self) -> None:
        self._filter: Spectrum = np.zeros((PARTS, CHUNK_SAMPLES + 1), np.complex64)
        self._left: Samples = np.full(CHUNK_SAMPLES + 1, 0.5, np.float32)
        """Share of the echo's power that the filter leaves, by frequency."""
        self._playback: Playback | None = None
        self._forget()

    def _forget(self) -> None:
        self._heard: list[Samples] = []
        self._taken = 0
        self._delay: int | None = None
        self._proven = False
        self._shares: list[float] = []
        self._tries = 0
        self._rest = 0.0
        self._played: Spectrum = np.zeros((PARTS, CHUNK_SAMPLES + 1), np.complex64)
        self._tail: Samples = np.zeros(CHUNK_SAMPLES + 1, np.float32)

    def begin(self, playback: Playback) -> None:
        """What is heard from now on may be this."""
        self._playback = playback
        self._forget()

    @property
    def delay(self) -> float | None:
        """Seconds from playing to hearing, once they are known."""
        return None if self._delay is None else self._delay / RATE

    def __call__(self, chunk: AudioChunk) -> Cleaned:
        """The next 32 ms after `begin`."""
        playback = self._playback
        if playback is None:
            return Cleaned(chunk, False)
        heard = chunk.samples.astype(np.float32) / np.float32(32768)
        self._heard = [*self._heard[-(round(LOOK_SECONDS * RATE / CHUNK_SAMPLES)) :], heard]
        self._taken += CHUNK_SAMPLES
        if not self._proven and (self._taken // CHUNK_SAMPLES) % _EVERY == 0:
            self._look(playback)
        if self._delay is None:
            return Cleaned(chunk, False)
        cleaned = self._clean(playback, heard, self._taken)
        if not self._proven:
            self._prove(heard)
            return Cleaned(chunk, False)
        own = 2 * float(self._tail.sum()) / (2 * CHUNK_SAMPLES)  # Parseval, for one side of the spectrum
        return Cleaned(_chunk(cleaned), True, float((cleaned**2).sum()) / max(own, 1e-9))

    def moved(self) -> bool:
        """Whether the delay is not what it was, because the sound server had to wait: then what is left of the last
        quarter of a second is its own voice after all, and it is not known again until the new delay is believed."""
        playback, old = self._playback, self._delay
        if playback is None or old is None:
            return False
        heard = self._heard[-MOVED_CHUNKS:]
        power = sum(float((each**2).sum()) for each in heard)
        rest = self._rests(playback, heard, old)
        found = self._lag(playback, heard, old + int(MOVED_SECONDS * RATE), old - int(MOVED_SECONDS * RATE), PEAK)
        if (
            found is not None
            and abs(found - old) > LEAD // 2
            # Before the sound server waited the old delay is right, and the new one afterwards.
            and sum(map(min, rest, self._rests(playback, heard, found))) < EXPLAINED * power
        ):
            self._try(playback, found)
            return True
        # Taking out a voice that is there leaves less than was heard. Where there is more, it was not there.
        if sum(rest) > power:
            self._delay = None
            self._proven = False
            return True
        return False

    def learnt(self) -> bool:
        """Whether what is left of the last moments is its own voice, which the filter had not learnt yet. Then a filter
        that learns from the sound just before leaves less of them; of what somebody else says, no filter does."""
        playback, delay = self._playback, self._delay
        if playback is None or delay is None:
            return False
        heard = self._heard[-HELD_OUT:]
        before = sum(self._rests(playback, heard, delay))
        kept = self._filter, self._left.copy(), self._tail, self._played.copy(), self._rest
        self._proven = False  # it learns from everything
        self._learn_back(playback, HELD_OUT)
        helped = sum(self._rests(playback, heard, delay)) < HELPED * before
        if helped:
            self._learn_back(playback)
        else:
            self._filter, self._left, self._tail, self._played, self._rest = kept
        self._proven = True
        return helped

    def _rests(self, playback: Playback, heard: list[Samples], delay: int) -> list[float]:
        """Power of what the filter leaves of the last chunks if they were heard after `delay`."""
        blocks = len(heard) + PARTS - 1
        ends = [self._taken - delay - (blocks - 1 - number) * CHUNK_SAMPLES for number in range(blocks)]
        spectra = np.fft.rfft([playback.between(end - 2 * CHUNK_SAMPLES, end) for end in ends])
        rests = []
        for number, each in enumerate(heard):
            played = spectra[number : number + PARTS][::-1]
            guess = np.fft.irfft((self._filter * played).sum(axis=0))[CHUNK_SAMPLES:]
            rests.append(float(((each - guess) ** 2).sum()))
        return rests

    def _prove(self, heard: Samples) -> None:
        """Believes in a delay when the filter that was made for it explains what is heard after it was made."""
        total, rest = float((heard**2).sum()), self._rest
        if total < _QUIET:
            return
        self._tries += 1
        self._shares = [*self._shares[-(_PROOF - 1) :], min(1.0, rest / total)]
        if self._tries >= _ENOUGH and float(np.median(self._shares)) < EXPLAINED:
            self._proven = True
        elif self._tries >= _ENOUGH + 2 * _PROOF:
            self._delay = None
            self._shares, self._tries = [], 0

    def _look(self, playback: Playback) -> None:
        found = self._lag(playback, self._heard, int(MOST_DELAY * RATE), 0)
        if found is not None and (self._delay is None or abs(found - self._delay) > LEAD):
            self._try(playback, found)  # the more has been heard, the better the guess

    def _lag(
        self, playback: Playback, heard: list[Samples], most: int, least: int, sure: float = SURE_PEAK
    ) -> int | None:
        """The delay of these last chunks, between two."""
        whole = np.concatenate(heard)
        first = self._taken - len(whole)
        found = lag(whole, playback.between(first - most, self._taken - least), sure)
        return None if found is None else most - found - LEAD

    def _try(self, playback: Playback, delay: int) -> None:
        self._delay = delay
        self._proven = False
        self._shares, self._tries = [], 0
        self._learn_back(playback)

    def _learn_back(self, playback: Playback, leaving_out: int = 0) -> None:
        """The filter learns from the last half second, but for the last chunks of it."""
        for _ in range(_BACK):
            self._played[:] = 0
            for number, heard in enumerate(self._heard[: len(self._heard) - leaving_out]):
                self._clean(playback, heard, self._taken - (len(self._heard) - 1 - number) * CHUNK_SAMPLES, _STEP_BACK)

    def _clean(self, playback: Playback, heard: Samples, until: int, step: float = _STEP) -> Samples:
        """`heard`, whose end was recorded as sample `until`, without the echo."""
        assert self._delay is not None
        end = until - self._delay
        seen = playback.between(end - 2 * CHUNK_SAMPLES, end)
        self._played[1:] = self._played[:-1]
        self._played[0] = np.fft.rfft(seen)
        guess = np.fft.irfft((self._filter * self._played).sum(axis=0))[CHUNK_SAMPLES:].astype(np.float32)
        rest = heard - guess
        self._rest = float((rest**2).sum())
        power = (np.abs(self._played) ** 2).sum(axis=0)
        error = np.fft.rfft(np.concatenate([np.zeros_like(rest), rest]))
        guessed = np.abs(np.fft.rfft(np.concatenate([np.zeros_like(guess), guess]))) ** 2
        self._tail = np.maximum(guessed, self._tail * _FADE).astype(np.float32)
        remaining = np.abs(error) ** 2
        usual = self._left * self._tail
        foreign = self._proven and float(remaining.sum()) > _MORE * float(usual.sum()) + _QUIET
        if not foreign:
            change = step * np.conj(self._played) * error / (power + 0.02 * float(power.mean()) + 1e-2)
            response = np.fft.irfft(self._filter + change, axis=1)
            response[:, CHUNK_SAMPLES:] = 0
            self._filter = np.fft.rfft(response, axis=1).astype(np.complex64)
            loud = self._tail > _QUIET
            share = np.clip(remaining / np.maximum(self._tail, 1e-6), 0, 2)
            self._left[loud] += (0.1 * (share - self._left))[loud]
        # What is left cannot be louder than what was heard: else the guess is wrong, and not somebody there.
        most = np.abs(np.fft.rfft(np.concatenate([np.zeros_like(heard), heard]))) ** 2 / np.maximum(remaining, 1e-9)
        gain = np.minimum(np.clip(1 - _MORE * usual / np.maximum(remaining, 1e-9), 0.05, 1), np.sqrt(most))
        damped = np.fft.irfft(error * gain)[CHUNK_SAMPLES:]
        return damped.astype(np.float32)


def lag(heard: Samples, reference: Samples, sure: float = SURE_PEAK) -> int | None:
    """Where in `reference` `heard` begins; None where it does not seem to be in it."""
    size = 1 << (len(heard) + len(reference) - 1).bit_length()
    one, other = np.fft.rfft(_faded(reference), size), np.fft.rfft(_faded(heard), size)
    weight = np.sqrt(_smooth(np.abs(one) ** 2) * _smooth(np.abs(other) ** 2)) + 1e-12
    whitened = one * np.conj(other) / weight
    whitened[: size * _BAND[0] // RATE] = whitened[size * _BAND[1] // RATE :] = 0
    # Before anything was played nothing can be found; zeros there would only make a peak seem higher.
    first = max(0, int(np.argmax(reference != 0)) - len(heard))
    found = np.abs(np.fft.irfft(whitened, size)[first : len(reference)])
    peak = int(np.argmax(found))
    return first + peak if found[peak] > sure * float(np.sqrt(np.mean(found**2)) + 1e-12) else None


def _faded(sound: Samples) -> Samples:
    """Without the edges: both end at the same moment, which would look like a delay of nothing."""
    ramp = np.minimum(1, np.arange(1, len(sound) + 1, dtype=np.float32) / FADE)
    return sound * ramp * ramp[::-1]


def _smooth(power: Samples, width: int = 257) -> Samples:
    """The mean over `width` neighbours."""
    # With 64 bits: the difference of two long sums must not lose what is quiet.
    total = np.cumsum(np.concatenate([np.zeros(width), power, np.zeros(width)]), dtype=np.float64)
    mean = ((total[width:] - total[:-width]) / width)[width // 2 + 1 :][: len(power)]
    return mean.astype(np.float32)


def _chunk(samples: Samples) -> AudioChunk:
    return AudioChunk(np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16))
