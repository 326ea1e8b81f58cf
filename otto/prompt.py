"""The texts that language models are given: one file a prompt, in `prompts/`.

>>> prompt("story").startswith("You")
True
"""

from __future__ import annotations

from otto.config import bundled
from otto.errors import ConfigError


def prompt(name: str) -> str:
    """The text of `prompts/<name>.txt`, without the white space around it. Raises `ConfigError` where it is missing."""
    file = bundled("prompts") / f"{name}.txt"
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}; install Otto again") from error
