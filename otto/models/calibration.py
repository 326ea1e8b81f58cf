"""What `otto calibrate` found out about a model: how sure its answers are, when to ask it, and whether that helps.

One file a model, prompt and set of skills lies in the cache folder; where any of these changes, there is none. Whoever
hands a model on may put its calibration beside it (`<weights>.calibration.json`).

>>> found = read(key(identity(path), prompt, skills), settings.cache_folder, beside=path)
>>> found.helps
False
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from otto.errors import ModelFileError
from otto.files import write_atomic
from otto.models import card
from otto.prompt import RouterPrompt, skills_hash
from otto.routers.cascade import Rule
from otto.routers.confidence import Confidence
from otto.skill import Skill


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The result for one model."""

    key: str
    model: str
    """Its name, for people who read the file."""
    rows: int
    """Held-out sentences."""
    confidence: tuple[float, ...]
    """Weights of `Confidence`."""
    threshold: float
    """The first router's confidence under which the model is asked; 0: never."""
    belief: tuple[float, ...]
    """Weights of `Rule`."""
    helps: bool
    """Whether asking it surely makes answers better, and is worth the wait."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Shares of right answers and what they took, on the held-out sentences."""

    def rule(self) -> Rule:
        """When to ask the model."""
        return Rule(self.threshold, tuple(self.belief))

    def sure(self) -> Confidence:
        """How sure its answers are."""
        return Confidence(tuple(self.confidence))


def key(identity: str, prompt: RouterPrompt, skills: Sequence[Skill]) -> str:
    """24 hex digits: another model, prompt or skill gives another."""
    return hashlib.sha256(f"{identity}\0{prompt.hash}\0{skills_hash(skills)}".encode()).hexdigest()[:24]


def identity(path: Path, adapter: Path | None = None) -> str:
    """What tells one model's weights from another's: the sha256 of its card, or else size and age of its files."""
    return " ".join(_identity(each) for each in (path, adapter) if each is not None)


def _identity(path: Path) -> str:
    try:
        known = card.read(path)
    except ModelFileError:
        known = None
    if known and known.sha256:
        return " ".join(known.sha256[name] for name in sorted(known.sha256))
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    found = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return f"{path} {found}"


def place(cache: Path, name: str) -> Path:
    """Where the calibration with this key lies."""
    return cache / "calibration" / f"{name}.json"


def read(name: str, cache: Path, beside: Path | None = None) -> Calibration | None:
    """The calibration with this key: the user's own, or the one that lies beside the weights. A file that cannot be
    understood counts as none: it can be made again."""
    own = [_beside(beside)] if beside else []
    return next((found for path in (place(cache, name), *own) if (found := _read(path, name))), None)


def write(calibration: Calibration, cache: Path, beside: Path | None = None) -> Path:
    """Writes it into the cache folder, or beside weights that are to bring it along. Raises `OSError`."""
    path = _beside(beside) if beside else place(cache, calibration.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(asdict(calibration), indent=2, sort_keys=True) + "\n")
    return path


def _beside(path: Path) -> Path:
    return path / "otto.calibration.json" if path.is_dir() else path.with_name(f"{path.name}.calibration.json")


def _read(path: Path, name: str) -> Calibration | None:
    known = {each.name for each in fields(Calibration)}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = Calibration(**{entry: value for entry, value in content.items() if entry in known})
        usable = found.key == name and len(found.confidence) == len(found.belief) == 5
        numbers = [float(each) for each in (*found.confidence, *found.belief, found.threshold)]
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return found if usable and all(each == each for each in numbers) else None
