"""The card beside a model's weights: what it was made from, what it expects, and how good this very file is.

    otto-tiny.gguf            the weights
    otto-tiny.gguf.card.json  its card
    adapter/otto.card.json    the card of a folder (Hugging Face weights or an adapter)

>>> card = read(Path("otto-tiny.gguf"))
>>> verify(Path("otto-tiny.gguf"), card)
>>> differences(card, router_prompt("plain", system=""), skills)
['changed skills: lights', 'unknown to the model: kettle']

The card is what is trusted, not the weights: a file whose sha256 is another is never opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

from otto.call import OTHER
from otto.errors import ModelFileError
from otto.files import write_atomic
from otto.prompt import RouterPrompt, chat_format, skills_hash
from otto.skill import Skill

Kind = Literal["gguf", "gguf-adapter", "transformers", "adapter", "whisper", "piper"]

SHIPPED = Path(__file__).resolve().parent.parent / "data"
"""What Otto brings."""
_IN_FOLDER = "otto.card.json"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of one model file or folder."""

    name: str
    kind: Kind
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Of each file of weights, by its name."""
    base: str = ""
    """Model that it was tuned from: a name on the hub or a path; empty: made from scratch."""
    task: str = "router"
    format: str = "plain"
    """Framing it was taught with: a file of `prompts/formats/`."""
    format_hash: str = ""
    system: str = ""
    """System text it was taught with, `{skills}` where their list went; empty: it knows its skills by heart."""
    skills: Mapping[str, str] = field(default_factory=dict)
    """Hash of each skill's schema, by name."""
    skills_hash: str = ""
    data_hash: str = ""
    """sha256 of the data set's manifest."""
    recipe: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Of this very file, not of what it was converted from."""
    licence: str = ""
    size: int = 0
    """Bytes of weights."""
    source: str = ""
    """Where it was pulled from; empty: made here, or shipped with Otto."""
    made: str = ""
    """When, as an ISO date."""

    def prompt(self) -> RouterPrompt:
        """The prompt that it was taught with, for serving. Raises `ConfigError` for a framing that is unknown here."""
        return RouterPrompt(chat_format(self.format), self.system)


def place(model: Path) -> Path:
    """Where the card of a weights file or a folder lies."""
    return model / _IN_FOLDER if model.is_dir() else model.with_name(f"{model.name}.card.json")


def read(model: Path) -> Card | None:
    """The card of a model; None where there is none. Raises `ModelFileError` where it cannot be understood."""
    path = place(model)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path}: this card cannot be read ({error}); export the model again") from error
    known = {each.name for each in fields(Card)}
    if not isinstance(content, dict) or not {"name", "kind"} <= content.keys():
        raise ModelFileError(f"{path}: a card holds at least a name and a kind; export the model again")
    return Card(**{key: value for key, value in content.items() if key in known})


def write(model: Path, card: Card) -> Path:
    """Writes the card beside the model and returns where. Raises `OSError`."""
    path = place(model)
    write_atomic(path, json.dumps(asdict(card), indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return path


def digest(path: Path) -> str:
    """sha256 of a file, in hex. Raises `OSError`."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def verify(model: Path, card: Card) -> None:
    """Raises `ModelFileError` where a file of weights is missing, or is not the one that the card speaks of."""
    remedy = f"otto models pull {card.name}"
    for name, wanted in card.sha256.items():
        path = model / name if model.is_dir() else model.with_name(name)
        try:
            refuse_other(path, wanted, remedy)
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read: {error.strerror}; get it again with: {remedy}") from error


def refuse_other(path: Path, wanted: str, remedy: str) -> None:
    """Raises `ModelFileError` where a file's sha256 is not the one `wanted`, and `OSError`. `remedy`: the command that
    brings it back."""
    if (found := digest(path)) != wanted:
        raise ModelFileError(
            f"{path}: not the file that its card describes (sha256 {found[:12]}…, expected {wanted[:12]}…); "
            f"get it again with: {remedy}"
        )


def differences(card: Card, prompt: RouterPrompt, skills: Iterable[Skill], hidden: Collection[str] = ()) -> list[str]:
    """What is not as when the model was taught: framing, system text, skills by name. `hidden`: skills that are not
    missed, because the user has hidden them."""
    here = {skill.name: skill.hash for skill in skills if skill.name != OTHER}
    found = []
    if card.format_hash and card.format_hash != prompt.format.hash:
        found.append(f"format {card.format}")
    if card.system != prompt.system:
        found.append("system text")
    changed = sorted(name for name in here.keys() & card.skills.keys() if here[name] != card.skills[name])
    for what, names in (
        ("changed skills", changed),
        ("unknown to the model", sorted(here.keys() - card.skills.keys()) if card.skills else []),
        ("skills gone", sorted(card.skills.keys() - here.keys() - {*hidden})),
    ):
        if names:
            found.append(f"{what}: {', '.join(names)}")
    return found


def taught(prompt: RouterPrompt, skills: Iterable[Skill]) -> dict[str, object]:
    """The fields of a card that say what a model was taught with."""
    known = [skill for skill in skills if skill.name != OTHER]
    return {
        "format": prompt.format.name,
        "format_hash": prompt.format.hash,
        "system": prompt.system,
        "skills": {skill.name: skill.hash for skill in sorted(known, key=lambda skill: skill.name)},
        "skills_hash": skills_hash(known),
    }
