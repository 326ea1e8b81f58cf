"""The errors of Otto: one small family, each saying what is wrong, where, and what to do.

`OttoError` is what a program catches; its message is always fit to be shown to the person at the keyboard.
"""

from __future__ import annotations


class OttoError(Exception):
    """Anything Otto refuses or cannot do. The message is one sentence for the user."""


class CallSyntaxError(OttoError):
    """A call string that cannot be read. Seen by authors of example files and by whoever runs a model."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        """`position`: offset in characters from the start of `text`, from 0."""
        self.problem = problem
        self.text = text
        self.position = position
        super().__init__(f"{problem} (at character {position + 1} of {shorten(text)!r})")


class CallError(OttoError):
    """A well-formed call that is not allowed: unknown skill, wrong or missing argument. Seen by the user."""

    def __init__(self, message: str, *, skill: str = "", parameter: str = "") -> None:
        self.skill = skill
        self.parameter = parameter
        super().__init__(message)


class ValueReadError(OttoError):
    """Words that do not mean a value of the wanted type, or one out of range. `CallError` adds the parameter."""


class SchemaError(OttoError):
    """A skill whose schema makes no sense (unknown type, doubled parameter). Seen by authors of skills."""


class SkillError(OttoError):
    """Raised by a skill with a sentence for the user, when it cannot do what was asked."""

    def __init__(self, message: str, *, asks: str = "") -> None:
        """`asks`: the parameter that `message` asks for; the answer is put into the call, and it is made again."""
        self.asks = asks
        super().__init__(message)


class StoreError(OttoError):
    """The store cannot be opened, read or written: no space, no permission, a newer schema."""


class ConfigError(OttoError):
    """A setting that is unknown or out of range; the message names the key and where it was set."""


class ModelFileError(OttoError):
    """A model file that is missing, damaged or made for other skills. The message holds the command that mends it."""


class ModelError(OttoError):
    """A language model gave no answer: too late, crashed, unreachable, refused. The next router answers instead."""


class WorkerError(OttoError):
    """The worker process ended, or did not answer in time. Seen by what says which skill it was."""


def shorten(text: str, limit: int = 60) -> str:
    """`text` cut to `limit` characters for a message, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


class FetchError(SkillError):
    """Nothing usable came from the network. A skill may let it pass: the message is a sentence for the user."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        """`status`: what the server answered (404), or 0 when it did not answer or was not asked."""
        self.status = status
        super().__init__(message)
