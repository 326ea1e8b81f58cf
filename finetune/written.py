"""Answers of one model to the questions of a task: a trained run, its base, or any endpoint.

    for row in by_run(Path("runs/coach"), rows): ...            what was trained
    for row in by_run(Path("runs/coach"), rows, base=True): ...  the base before it
    rows = by_endpoint(rows, endpoint, journal, system)

A written row is the question with the model's answer, beside it `reference` (the answer that the row had), `context`
and, where several are asked for, `samples`: further answers, drawn, for the check of self-consistency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.ask import Endpoint, Question, ask
from finetune.duplicates import normalised
from finetune.item import digest
from finetune.journal import Journal
from finetune.recipe import Recipe
from finetune.shapes import Conversation
from finetune.workers import HERE, Workers
from otto.errors import OttoError
from otto.prompt import Message, prompt

if TYPE_CHECKING:
    from finetune.tasks import Task

TEMPERATURE = 1.0
"""Of further answers."""
RECIPE = "recipe.json"


def recipe_of(run: Path) -> Recipe:
    """The recipe of a run's folder. Raises `OttoError`."""
    try:
        return Recipe.model_validate_json((run / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OttoError(f"{run}: is no folder of a run (its {RECIPE} cannot be read); train one: otto train") from error


def by_run(
    run: Path, rows: Sequence[Conversation], *, base: bool = False, samples: int = 0, name: str = ""
) -> Iterator[Conversation]:
    """What a run's model, or the base it was trained from, answers. Raises `OttoError` where it cannot be loaded."""
    import torch

    from finetune import loading, probe
    from finetune.prepared import prompt_of
    from finetune.tasks import make

    recipe = recipe_of(run)
    loading.need_extra()
    on = loading.hardware(recipe)
    if recipe.training.threads:
        torch.set_num_threads(recipe.training.threads)
    asked = prompt_of(recipe)
    task: Task = make(recipe.task, asked, {})
    model: Any
    tokenizer: Any
    if base:
        tokenizer = loading.load_tokenizer(recipe)
        model = loading.load_model(recipe, tokenizer, on, run / "offload")
    else:
        model, tokenizer = probe.load_saved(run, recipe, on)
    openings = [task.opening(row) for row in rows]
    torch.manual_seed(recipe.training.seed)
    drawn = [
        probe.answers(model, tokenizer, openings, end=asked.format.end, most_tokens=task.most_tokens,
                      temperature=TEMPERATURE if number else 0.0)
        for number in range(samples + 1)
    ]  # fmt: skip
    label = name or f"{recipe.name}{'-base' if base else ''}"
    for place, row in enumerate(rows):
        first, *others = (several[place][0] for several in drawn)
        yield _row(row, first, label, others)


def by_endpoint(
    rows: Sequence[Conversation],
    endpoint: Endpoint,
    journal: Journal,
    system: str = "",
    samples: int = 0,
    workers: Workers = HERE,
) -> list[Conversation]:
    """What a server's model answers; rows that it does not answer are left out. `system`: a file of `prompts/`."""
    first = (Message("system", prompt(system)),) if system else ()

    def questions(number: int) -> list[Question]:
        return [Question(f"{number} {_key(row)}", (*first, *_asked(row))) for row in _each_once(rows)]

    def said(place: int) -> dict[str, str]:
        drawn = replace(endpoint, parameters={**endpoint.parameters, "temperature": TEMPERATURE}) if place else endpoint
        answers = ask(questions(place), [drawn], journal, workers=workers)
        return {each.key.partition(" ")[2]: each.text for each in answers if not each.problem}

    several = [said(place) for place in range(samples + 1)]
    return [
        _row(row, several[0][key], endpoint.label, [each[key] for each in several[1:] if key in each])
        for row in _each_once(rows)
        if (key := _key(row)) in several[0]
    ]


def _asked(row: Conversation) -> tuple[Message, ...]:
    return row.messages[:-1]


def _key(row: Conversation) -> str:
    return digest(*(each.text for each in _asked(row)))


def _each_once(rows: Sequence[Conversation]) -> list[Conversation]:
    """Several answers to one question are one question."""
    found: dict[str, Conversation] = {}
    for row in rows:
        found.setdefault(normalised(" ".join(each.text for each in _asked(row))), row)
    return list(found.values())


def _row(row: Conversation, answer: str, source: str, samples: Sequence[str]) -> Conversation:
    about = {name: value for name, value in row.about.items() if name in ("topic", "section", "context")}
    about["reference"] = row.answer
    if samples:
        about["samples"] = list(samples)
    # A row must hold an answer; a model that says nothing has said that.
    said = Message("assistant", answer.strip() or "(nothing)")
    return Conversation((*_asked(row), said), source, origin=row.origin, about=about)
