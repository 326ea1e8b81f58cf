"""A yes by voice before something risky is done. Only a yes is one: silence, noise and anything else are a no.

>>> confirmation = SpokenConfirmation(speaker, attention)
>>> otto = Assistant(settings, confirmation.ask)
>>> confirmation.hear("yes please")     # from the thread that transcribes: the answer, if one is awaited
True
"""

from __future__ import annotations

import queue
from collections.abc import Callable

from otto.answer import yes_or_no
from otto.audio.tts import Speaker
from otto.call import Call
from otto.question import for_permission
from otto.skill import Skill
from otto.voice.attention import ASKED_SECONDS, Attention

SPEAKING_SECONDS = 20.0
"""How long asking may take at most."""


class SpokenConfirmation:
    """Asks one question at a time."""

    def __init__(
        self,
        speaker: Speaker,
        attention: Attention,
        shown: Callable[[str], None] = lambda question: None,
        seconds: float = ASKED_SECONDS,
    ) -> None:
        """`shown` displays the question. `seconds`: how long an answer may take."""
        self._speaker = speaker
        self._attention = attention
        self._shown = shown
        self._seconds = seconds
        self._answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.pending = False
        """Whether an answer is awaited."""

    def ask(self, skill: Skill, call: Call) -> bool:
        """Asks, and waits for the answer: the `confirm` of an `Assistant`."""
        words = for_permission(call)
        while not self._answers.empty():
            self._answers.get()
        self._shown(words)
        self.pending = True
        try:
            if speech := self._speaker.say(words):
                speech.join(SPEAKING_SECONDS)
            self._attention.open(self._seconds)
            return self._answers.get(timeout=self._seconds)
        except queue.Empty:
            return False
        finally:
            self.pending = False
            self._attention.shut()

    def hear(self, text: str, *, sure: bool = True) -> bool:
        """Takes `text` for the answer, if one is awaited and this is a yes or a no. Whether it was taken.

        `sure`: whether it was heard well; a yes has to be.
        """
        answer = yes_or_no(text)
        if not self.pending or answer is None or (answer and not sure):
            return False
        self._answers.put(answer)
        return True

    def refuse(self) -> None:
        """Whatever was asked: no."""
        if self.pending:
            self._answers.put(False)
