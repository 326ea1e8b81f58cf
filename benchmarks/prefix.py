"""Measures what a route costs a local model when the prompt begins as the last one did.

    python benchmarks/prefix.py                                  fifty skills, the model that Otto brings
    python benchmarks/prefix.py --model qwen.gguf --json benchmarks/results/prefix.json

The prompt lists fifty skills: the bundled ones, and made ones of a household. Sentences are examples of the bundled
skills, in a fixed random order. Reported are the tokens of the first prompt, and how many of each later one had to be
evaluated; first with all skills in the prompt, then with a list half as long, chosen for each sentence
(`otto/routers/shortlist.py`).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from otto.call import OTHER
from otto.config import Folders, bundled
from otto.example import Example
from otto.files import write_atomic
from otto.grammar import grammar
from otto.models.language import Request
from otto.models.llama import Llama
from otto.prompt import RouterPrompt, listing, router_prompt
from otto.registry.registry import Registry
from otto.routers.shortlist import Shortlist
from otto.skill import Parameter, Skill
from otto.values import Limits

SKILLS = 50
CONTEXT = 16_384
"""Longer than some models were trained on: what they answer does not matter here."""
TINY = Path(__file__).parents[1] / "otto" / "data" / "tiny" / "otto-tiny.gguf"
_VERBS = {"add": "Adds to", "remove": "Takes from", "show": "Reads", "move": "Changes the time of"}
_THINGS = ("meeting", "journey", "lesson", "concert", "guest list", "recipe", "parcel", "medicine", "bin day")


@dataclass(frozen=True, slots=True)
class Figures:
    """What later routes cost, in tokens evaluated for the prompt."""

    skills: float
    """In the prompt, on average."""
    first: int
    """Tokens of the first prompt, all of which are evaluated."""
    second: int
    """Of the second prompt, those evaluated."""
    second_share: float
    """Of the first prompt's tokens."""
    median_share: float
    largest_share: float
    meant: float
    """Share of the sentences whose skill is in the prompt."""


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TINY)
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    skills, examples = household()
    prompt = router_prompt("chatml")
    sentences: dict[str, list[str]] = {}
    held, known = examples[: arguments.sentences], examples[arguments.sentences :]
    for example in known:
        sentences.setdefault(example.calls[0].name, []).append(example.text)
    half = Shortlist(skills, sentences, characters=len(listing(skills)) // 2)
    model = Llama(arguments.model, context=CONTEXT, stretched=True)
    model.wait_loaded()
    try:
        found = {
            "all in the prompt": measured(model, prompt, held, [skills] * len(held)),
            "half, chosen": measured(model, prompt, held, [tuple(half(example.text)) for example in held]),
        }
    finally:
        model.close()
    for what, figures in found.items():
        print(
            f"{what}: {figures.skills:.1f} skills; the first route evaluates {figures.first} tokens of prompt, the "
            f"second {figures.second} ({figures.second_share:.1%}); later ones {figures.median_share:.1%} (median), "
            f"{figures.largest_share:.1%} at most; the skill that is meant is listed for {figures.meant:.1%}"
        )
    if arguments.json:
        content = {what: asdict(figures) for what, figures in found.items()}
        write_atomic(arguments.json, json.dumps({"model": arguments.model.name, **content}, indent=2) + "\n")


def household() -> tuple[tuple[Skill, ...], list[Example]]:
    """Fifty skills, and the examples of the bundled ones in a fixed random order."""
    with tempfile.TemporaryDirectory() as cache:
        registry = Registry(Folders((bundled("examples"),), (bundled("skills"),)), cache=Path(cache))
        entries = [entry for entry in registry.snapshot.skills.values() if entry.skill.name != OTHER]
        registry.close()
    made = [
        Skill(
            f"{verb}_{thing.replace(' ', '_')}",
            (
                Parameter("name"),
                Parameter("when", "datetime"),
                Parameter("who", "choice", limits=Limits(("me", "all"))),
            ),
            f"{does} a {thing}.",
        )
        for thing in _THINGS
        for verb, does in _VERBS.items()
    ]
    skills = sorted((*(entry.skill for entry in entries), *made), key=lambda skill: skill.name)
    kept = {entry.skill.name for entry in entries}
    skills = [skill for skill in skills if skill.name in kept or skill in made[: SKILLS - len(kept)]]
    examples = [example for entry in entries for example in entry.examples if example.calls[0].name in kept]
    random.Random(0).shuffle(examples)
    return tuple(skills), examples


def measured(
    model: Llama, prompt: RouterPrompt, examples: Sequence[Example], lists: Sequence[Sequence[Skill]]
) -> Figures:
    """Asks about each sentence in turn, with its list of skills."""
    model.write(Request("<s>"))  # forgets what was asked before
    evaluated, first = [], 0
    for example, skills in zip(examples, lists, strict=True):
        opening = prompt.opening(example.text, skills)
        written = model.write(
            Request(opening, end=prompt.format.end, grammar=grammar(skills), most_tokens=32, deadline_seconds=300)
        )
        first = first or written.prompt_tokens
        evaluated.append(written.prompt_tokens - written.reused_tokens)
    meant = [
        example.calls[0].name in {skill.name for skill in skills}
        for example, skills in zip(examples, lists, strict=True)
    ]
    return Figures(
        statistics.fmean(map(len, lists)),
        first,
        evaluated[1],
        evaluated[1] / first,
        statistics.median(evaluated[1:]) / first,
        max(evaluated[1:]) / first,
        sum(meant) / len(meant),
    )


if __name__ == "__main__":
    main()
