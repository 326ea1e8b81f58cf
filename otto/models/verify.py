"""Whether a model file may be opened: it is there, it is the one that its card speaks of, and it is what it claims.

    >>> card = verified(Path("otto-tiny.gguf"), settings.cache_folder)
    >>> refuse_other_skills(Path("otto-tiny.gguf"), card, prompt, skills)

Reading all of a large file takes seconds, so what was found whole is remembered by its size and time. Every refusal is
one line with the path and the command that mends it.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from pathlib import Path

from otto.errors import ModelFileError
from otto.files import write_atomic
from otto.models import card as cards
from otto.models import gguf
from otto.models.card import SHIPPED, Card
from otto.prompt import RouterPrompt
from otto.skill import Skill

REINSTALL = "pip install --force-reinstall --no-deps otto-assistant"
_REMEMBERED = 100


def verified(model: Path, cache: Path | None = None) -> Card | None:
    """The card of a GGUF file that is whole; None where it has none, and is only known to be well-formed.

    `cache`: folder in which it is remembered. Raises `ModelFileError`: missing, empty, unreadable, cut off, not what
    its card describes, or malformed.
    """
    try:
        status = model.stat()
    except FileNotFoundError:
        raise ModelFileError(f"{model}: there is no such model; get it with: {remedy(model)}") from None
    except OSError as error:
        raise _unreadable(model, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelFileError(f"{model}: not a file; get the model again with: {remedy(model)}")
    if not status.st_size:
        raise ModelFileError(f"{model}: the file is empty; get it again with: {remedy(model)}")
    card = cards.read(model)
    state = json.dumps([status.st_size, status.st_mtime_ns, dict(card.sha256) if card else None])
    remembered = _remembered(cache)
    if remembered.get(str(model)) == state:
        return card
    _check(model, status.st_size, card)
    _remember(cache, {**remembered, str(model): state})
    return card


def refuse_other_skills(model: Path, card: Card | None, prompt: RouterPrompt, skills: Iterable[Skill]) -> None:
    """Raises `ModelFileError` where a model that knows its skills by heart was taught others than these."""
    found = cards.differences(card, prompt, skills) if card else []
    if found:
        recipe = card.recipe if card and card.recipe else "RECIPE"
        raise ModelFileError(
            f"{model}: it was trained for other skills than these ({'; '.join(found)}); train it for these with: "
            f"otto train {recipe}"
        )


def remedy(model: Path, card: Card | None = None) -> str:
    """The command that brings a model back."""
    if model.is_relative_to(SHIPPED):
        return REINSTALL
    if card and card.recipe and not card.source:
        return f"otto export runs/{card.recipe}"
    return f"otto models pull {card.name if card else model.stem}"


def _check(model: Path, size: int, card: Card | None) -> None:
    try:
        if card:
            if card.size and card.size != size:
                raise ModelFileError(
                    f"{model}: it has {size:,} bytes where its card says {card.size:,}; get it again with: "
                    f"{remedy(model, card)}"
                )
            if wanted := card.sha256.get(model.name):
                cards.refuse_other(model, wanted, remedy(model, card))
        gguf.read(model)
    except OSError as error:
        raise _unreadable(model, error) from error
    except gguf.MalformedError as error:
        raise ModelFileError(
            f"{model}: not a usable GGUF file: {error}; get it again with: {remedy(model, card)}"
        ) from error


def _unreadable(model: Path, error: OSError) -> ModelFileError:
    return ModelFileError(f"{model}: cannot be read ({error.strerror}); get the model again with: {remedy(model)}")


def _remembered(cache: Path | None) -> dict[str, str]:
    try:
        content = json.loads((cache / "models.json").read_text(encoding="utf-8")) if cache else {}
    except (OSError, ValueError):
        content = {}
    return content if isinstance(content, dict) else {}


def _remember(cache: Path | None, entries: dict[str, str]) -> None:
    """A cache that cannot be written only costs time."""
    if cache:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            write_atomic(cache / "models.json", json.dumps(dict(list(entries.items())[-_REMEMBERED:])))
        except OSError:
            return
