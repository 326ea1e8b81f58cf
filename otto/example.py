"""An example: a sentence and the calls it means, and where it was written."""

from __future__ import annotations

from dataclasses import dataclass

from otto.call import Call, write


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something stands, for messages: `examples/weather_examples.txt:12`."""

    file: str
    line: int
    """From 1; 0 means the file as a whole."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file. `str()` is `file:line: message`."""

    origin: Origin
    message: str
    severity: str = "error"
    """`error` (it was left out) or `warning` (it was kept)."""

    def __str__(self) -> str:
        return f"{self.origin}: {self.message}"


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence and what it means."""

    text: str
    calls: tuple[Call, ...]
    """In order; `other()` for a sentence that no skill should take."""
    origin: Origin = Origin("", 0)
    in_prompt: bool = False
    """Whether it stood under `#### Prompt Examples:` and so belongs into a language model's prompt."""

    def __str__(self) -> str:
        return f"{self.text} -> {write(self.calls)}"
