"""What a recipe trains on and measures with: rows and skills.

material = gather(recipe)
material.train, material.valid, material.skills
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from finetune.loading import base
from finetune.recipe import Recipe
from finetune.sample import Sampler
from finetune.shapes import Conversation, DataError, from_example, of_calls, read
from finetune.split import leaks, split_of
from finetune.tasks import Task, make
from otto.call import OTHER
from otto.config import Folders, bundled, folders, load
from otto.errors import OttoError
from otto.example import Example
from otto.examples import file as examplefile
from otto.examples.file import plain
from otto.models import card as cards
from otto.prompt import prompt, router_prompt
from otto.registry.registry import Registry
from otto.skill import Skill

WORDINGS = Path(__file__).parent / "wordings"
LARGE_VALID = 0.5
"""A validation set of more than this share of the training set is a mistake."""
_SHOWN = 5


@dataclass(frozen=True)
class Material:
    """Everything a run reads."""

    task: Task
    skills: Mapping[str, Skill]
    train: tuple[Conversation, ...]
    """Empty where sentences are sampled."""
    valid: tuple[Conversation, ...]
    examples: tuple[Example, ...]
    """What is sampled from, where sentences are sampled."""

    def sampled(self, recipe: Recipe, seed: int | None = None) -> Iterator[Conversation]:
        """Sampled rows without end."""
        seed = recipe.training.seed if seed is None else seed
        data = recipe.data
        sampler = Sampler(
            self.skills,
            self.examples,
            seed=seed,
            other_share=data.other_share,
            unseen=unseen(recipe, self.skills) if data.unseen_share else (),
            unseen_share=data.unseen_share,
        )
        for row in chain(islice(sampler.rehearsal(), data.rehearse), sampler):
            yield of_calls(row.text, row.calls, "sampled")


def gather(recipe: Recipe) -> Material:
    """Reads rows and skills. Raises `DataError` naming file and line, and `ConfigError`."""
    # A task of texts has no skills: a card that named some would call the model stale when one of them changes.
    folder = recipe.data.examples if recipe.data.examples != Path() else None
    skills, examples = known(folder) if recipe.task == "router" else ({}, [])
    task = make(recipe.task, router_prompt(recipe.prompt.format, _system(recipe)), skills)
    if recipe.data.sample:
        if not examples:
            raise OttoError(f"data.examples: there is no example in {recipe.data.examples}")
        held = [each for each in examples if split_of(each.text) == "valid"]
        valid = tuple(from_example(each, each.origin.file) for each in held)
        more = wordings(skills, examples) if recipe.data.wordings else []
        return Material(task, skills, (), valid, (*examples, *more))
    train = _rows(recipe.data.train, "data.train")
    needs_valid = recipe.training.evaluate_every > 0 or recipe.data.valid.is_file()
    valid = _rows(recipe.data.valid, "data.valid") if needs_valid else ()
    if len(valid) > LARGE_VALID * len(train):
        raise DataError(
            str(recipe.data.valid),
            f"{len(valid)} rows to validate with for {len(train)} to train on: a twentieth is usual, a half the most",
        )
    if found := leaks(train, valid, near=1.0):
        shown = "\n  ".join(str(leak) for leak in found[:_SHOWN])
        raise DataError(
            str(recipe.data.valid),
            f"{len(found)} rows are also trained on, so that figures would be too good:\n  {shown}\n"
            "split them again: otto data split",
        )
    return Material(task, skills, train, valid, ())


def known(examples: Path | None = None) -> tuple[dict[str, Skill], list[Example]]:
    """All skills and their examples: the user's over the bundled ones, or those of a folder of example files."""
    if examples is not None and not examples.is_dir():
        raise OttoError(f"data.examples: there is no folder {examples}")
    where = Folders((examples,), (bundled("skills"),)) if examples else folders(load())
    registry = Registry(where, cache=load().cache_folder)
    entries = registry.snapshot.skills
    registry.close()
    return {name: entry.skill for name, entry in entries.items()}, [
        example for entry in entries.values() for example in entry.examples
    ]


def wordings(skills: Mapping[str, Skill], examples: Iterable[Example] = ()) -> list[Example]:
    """Sentences for the bundled skills that only models learn from, without those that `examples` have. None for a
    skill whose schema the user has changed so that they no longer fit."""
    known = {plain(each.text) for each in examples}
    found: list[Example] = []
    for path in sorted(WORDINGS.glob("*_examples.txt")):
        file = examplefile.unchecked(path)
        found += file.settled(file.faults(skills)).examples
    return [each for each in found if plain(each.text) not in known]


def unseen(recipe: Recipe, skills: Mapping[str, Skill]) -> frozenset[str]:
    """Skills that the base was not taught, or taught otherwise; none where no card says what it was taught."""
    card = cards.read(Path(base(recipe))) if base(recipe) else None
    learnt = card.skills if card else {}
    return frozenset(
        name for name, skill in skills.items() if learnt and name != OTHER and learnt.get(name) != skill.hash
    )


def _system(recipe: Recipe) -> str:
    return prompt(recipe.prompt.system) if recipe.prompt.system else ""


def _rows(path: Path, key: str) -> tuple[Conversation, ...]:
    if not path.is_file():
        raise DataError(str(path), f"there is no such file ({key}); make one with: otto data collect -o {path.parent}")
    rows = read(path)
    if not rows:
        raise DataError(f"{path}:1", f"there is no row in it ({key})")
    return tuple(rows)
