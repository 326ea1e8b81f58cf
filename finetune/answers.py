"""Answers of several models to many questions, as rows for training.

    asking = load(Path("models.toml"))
    questions = read_questions(Path("questions.jsonl"))
    with Journal(journal_of(output)) as journal:
        for answer in ask(asked(questions, asking), endpoints(asking), journal): ...
        write_atomic(output, lines(rows(questions, journal)))

    # models.toml
    system = "story"                     a file of prompts/; empty: none

    [[endpoints]]
    model = "mistral-small"
    address = "http://localhost:8000/v1"
    key_variable = "MISTRAL_API_KEY"     where the key is; never the key itself
    requests_per_minute = 60
    price_in = 0.1                       of a million tokens
    price_out = 0.3
    parameters = { temperature = 0.7, max_tokens = 400 }

A row's source is the endpoint's name, so that a data set is split by model; what an answer took stands beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from finetune import recipe as recipes
from finetune.ask import Answer, Endpoint, Limits, Question, answered
from finetune.duplicates import normalised
from finetune.journal import Journal
from finetune.shapes import Conversation, DataError
from otto.errors import ConfigError
from otto.example import Origin
from otto.network.openaiserver import OPENAI
from otto.prompt import Message, prompt

_COLUMNS = ("question", "prompt", "text", "instruction")


class Model(BaseModel):
    """One endpoint: `[[endpoints]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, Field(min_length=1)]
    name: str = ""
    """How its answers are marked; the model's unless given."""
    address: str = OPENAI
    key_variable: str = "OPENAI_API_KEY"
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    requests_per_minute: Annotated[float, Field(ge=0)] = 0.0
    seconds: Annotated[float, Field(gt=0)] = 120.0
    price_in: Annotated[float, Field(ge=0)] = 0.0
    price_out: Annotated[float, Field(ge=0)] = 0.0
    parameters: dict[str, Any] = Field(default_factory=dict)


class Asking(BaseModel):
    """Who is asked, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = ""
    """A file of `prompts/`; empty: none."""
    context: bool = True
    """Whether a question's column `context` (the section that it is about) is shown with it, and stays in the row."""
    endpoints: Annotated[list[Model], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the file."""

    text: str
    origin: Origin
    about: Mapping[str, object] = field(default_factory=dict)
    """Its other columns: topic, page …"""

    def shown(self, asking: Asking) -> str:
        """The question with its context, where there is one."""
        context = self.about.get("context")
        return f"{self.text}\n\n{context}" if asking.context and isinstance(context, str) and context else self.text

    @property
    def key(self) -> str:
        """The same for the same words."""
        return hashlib.sha256(normalised(self.text).encode()).hexdigest()[:16]


def load(path: Path, section: str = "asking") -> Asking:
    """The file's settings, or those in a recipe's section, by the recipe's name or file. Raises `ConfigError` naming
    the key."""
    try:
        asking = Asking.model_validate(_content(path, section))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    names = [each.name or each.model for each in asking.endpoints]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{path}: two endpoints are called {min(doubled)!r}; give one a name of its own")
    return asking


def _content(path: Path, section: str) -> Mapping[str, Any]:
    if path.suffix == ".toml" or path.is_file():
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        if content.keys().isdisjoint(("asking", "judging", "extends", "task")):
            return content
    found: dict[str, Any] = getattr(recipes.load(str(path)), section)
    if not found:
        raise ConfigError(f"{path}: has no [[endpoints]], and as a recipe no section [{section}] with them")
    return found


def endpoints(asking: Asking, environment: Mapping[str, str] = os.environ) -> list[Endpoint]:
    """What `ask` needs; keys from the environment."""
    return [
        Endpoint(
            each.model, each.address, each.name, environment.get(each.key_variable, ""),
            Limits(concurrency=each.concurrency, requests_per_minute=each.requests_per_minute, seconds=each.seconds,
                   price_in=each.price_in, price_out=each.price_out),
            each.parameters,
        )
        for each in asking.endpoints
    ]  # fmt: skip


def read_questions(path: Path) -> list[Asked]:
    """The questions of a file, each once: lines of text (`#` begins a comment), or JSONL with a column `question`
    (also `prompt`, `text`, `instruction`). Raises `DataError` naming file and line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    found: dict[str, Asked] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and (path.suffix == ".jsonl" or not line.startswith("#")):
            asked = _asked(line, Origin(str(path), number), as_json=path.suffix == ".jsonl")
            found.setdefault(asked.key, asked)
    if not found:
        raise DataError(str(path), "holds no question")
    return list(found.values())


def asked(questions: Sequence[Asked], asking: Asking) -> list[Question]:
    """The questions as they are put to the models."""
    system = (Message("system", prompt(asking.system)),) if asking.system else ()
    return [Question(each.key, (*system, Message("user", each.shown(asking)))) for each in questions]


def rows(questions: Sequence[Asked], journal: Journal, asking: Asking | None = None) -> list[Conversation]:
    """What was answered so far, in the order of the questions; the system text is left to the recipe."""
    found = answered(journal)
    places = {each.key: place for place, each in enumerate(questions)}
    answers = sorted(
        (answer for answer in found.values() if answer.key in places),
        key=lambda answer: (places[answer.key], answer.endpoint),
    )
    return [_row(questions[places[answer.key]], answer) for answer in answers]


def _user(question: Asked, asking: Asking | None) -> str:
    return question.shown(asking) if asking else question.text


def journal_of(output: Path) -> Path:
    """Where the journal of an output file lies: beside it."""
    return output.with_name(f"{output.stem}.journal.jsonl")


def _row(question: Asked, answer: Answer) -> Conversation:
    cost, tokens, seconds = round(answer.cost, 8), answer.tokens, answer.seconds
    return Conversation(
        (Message("user", question.text), Message("assistant", answer.text)),
        source=answer.endpoint,
        origin=question.origin,
        about={**question.about, "model": answer.model, "tokens": tokens, "cost": cost, "seconds": seconds},
    )


def _asked(line: str, origin: Origin, *, as_json: bool) -> Asked:
    if not as_json:
        return Asked(" ".join(line.split()), origin)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(origin, f"not valid JSON: {error}") from error
    column = next((name for name in _COLUMNS if isinstance(row, Mapping) and isinstance(row.get(name), str)), None)
    if column is None or not row[column].strip():
        raise DataError(origin, f"expected a question in one of the columns {', '.join(_COLUMNS)}")
    return Asked(row[column].strip(), origin, {name: value for name, value in row.items() if name not in _COLUMNS})
