"""Recordings of what was transcribed, to find out why something was not understood: only where somebody asks for them.

    recordings = Recordings(Path("~/heard"))    # makes the folder, forgets what is older than 7 days
    print(recordings.announcement)              # is told at the start, always
    recordings.keep(chunks)                     # otto-20260304-120000-000001.wav, for this user alone (0600)

Files of other names in the folder are left alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from otto.audio.chunk import AudioChunk
from otto.audio.wav import wav
from otto.clock import Clock, SystemClock
from otto.errors import OttoError
from otto.files import write_atomic

log = logging.getLogger(__name__)

DAYS = 7
_NAME = re.compile(r"otto-(\d{8}-\d{6})-\d{6}\.wav")
_TIME = "%Y%m%d-%H%M%S"
_LOOK_SECONDS = 3600.0


class RecordingsError(OttoError):
    """A folder that cannot hold recordings. Seen by the user."""


class Recordings:
    """One folder of them."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        """Raises `RecordingsError` when the folder cannot be made."""
        self.folder = folder.expanduser()
        self._clock = clock or SystemClock()
        self._count = 0
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingsError(
                f"Recordings cannot be kept in {self.folder} ({error.strerror}): name another folder for --record."
            ) from error
        self._forget()

    @property
    def announcement(self) -> str:
        """What everybody within earshot should know."""
        return f"What is transcribed is recorded in {self.folder} and deleted after {DAYS} days."

    def keep(self, chunks: Sequence[AudioChunk]) -> None:
        """Writes them to a file of their own. What cannot be written is only told in the log."""
        self._count += 1
        moment = self._clock.now().astimezone(UTC).strftime(_TIME)
        content = wav(np.concatenate([chunk.samples for chunk in chunks]))
        try:
            if self._clock.monotonic() - self._looked_at > _LOOK_SECONDS:
                self._forget()
            write_atomic(self.folder / f"otto-{moment}-{self._count:06}.wav", content, private=True)
        except OSError as error:
            log.warning("what was heard cannot be recorded: %s", error.strerror)

    def _forget(self) -> None:
        """Deletes those that are too old, and nothing that it did not write."""
        self._looked_at = self._clock.monotonic()
        now = self._clock.now()
        for path in self.folder.iterdir():
            if found := _NAME.fullmatch(path.name):
                written = datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)
                if (now - written).days >= DAYS:
                    path.unlink(missing_ok=True)
