"""What is known of a hosted run: `hosted.json` in its output folder, written after each step."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from finetune.provider import Figures
from otto.errors import ConfigError, OttoError
from otto.files import write_atomic

STATE = "hosted.json"


@dataclass
class State:
    """What is known of a run; `hosted.json`."""

    provider: str
    base: str
    files: dict[str, str] = field(default_factory=dict)
    """Ids of uploaded files, by name."""
    job: str = ""
    status: str = ""
    estimate: dict[str, Any] = field(default_factory=dict)
    """What the service says before the start: cost, tokens, duration."""
    model: str = ""
    metrics: list[Figures] = field(default_factory=list)
    answer: str = ""
    """What the model said to a question of the data."""
    deleted: bool = False
    tag: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells this run's job from others with the same settings."""


def read(output: Path) -> State:
    """What is known of the run in a folder. Raises `OttoError` where there is none."""
    path = output / STATE
    try:
        return State(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise OttoError(f"{output}: no hosted run: there is no {STATE}") from None
    except (OSError, ValueError, TypeError) as error:
        raise OttoError(f"{path}: cannot be read: {error}") from error


def known(output: Path, provider: str, base: str) -> State:
    """The run to go on with, or a new one. Raises `ConfigError` where the folder holds another."""
    if not (output / STATE).exists():
        return State(provider, base)
    state = read(output)
    if (state.provider, state.base) != (provider, base) or state.deleted:
        raise ConfigError(
            f"{output}: holds a run of {state.base} at {state.provider}{' (deleted)' if state.deleted else ''}; "
            "choose another output folder"
        )
    return state


def save(output: Path, state: State) -> None:
    """Writes it whole."""
    write_atomic(output / STATE, json.dumps(asdict(state), indent=1, ensure_ascii=False) + "\n")
