"""`otto data`: makes training data, collects it, splits it, looks at it, and changes its shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from finetune.cli import answers, generate, questions
from otto.cli.terminal import note, say
from otto.errors import OttoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from finetune.collect import Private
    from finetune.dataset import Collection
    from finetune.shapes import Conversation
    from finetune.sources import Dropped
    from otto.config import Settings
    from otto.registry.snapshot import Snapshot
    from otto.skill import Skill

app = typer.Typer(
    help="Make, collect, split, look at and convert training data.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COLLECT_EXAMPLES = """Examples:

otto data collect -o data   (all example files, bundled and yours)

otto data collect --history -o data   (also what you corrected with otto fix)

otto data collect --votes -o coach-data   (what you found good or edited on the coach's page)

otto data collect mine.jsonl lights_examples.txt -o data --valid 0.1"""
SPLIT_EXAMPLES = """Examples:

otto data split answers.jsonl -o data

otto data split --check data   (does anything held back stand in train.jsonl?)"""
STATS_EXAMPLES = """Examples:

otto data stats data

otto data stats answers.jsonl --tokenizer models/qwen --format chatml -o report   (pictures and a page)"""
CONVERT_EXAMPLES = """Examples:

otto data convert sharegpt.json chat.jsonl

otto data convert data/train.jsonl rows.jsonl --to prompt"""

app.command(epilog=generate.EXAMPLES)(generate.generate)
app.command(epilog=questions.EXAMPLES)(questions.questions)
app.command(epilog=answers.EXAMPLES)(answers.answers)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The data set's folder.")]
Valid = Annotated[float, typer.Option(min=0, max=0.9, help="Share of each source for validation.")]
Test = Annotated[float, typer.Option(min=0, max=0.9, help="Share of each source for the test.")]
Near = Annotated[float, typer.Option(min=0.1, max=1, help="Likeness from which on rows share a split.")]
Alike = Annotated[float, typer.Option(min=0.1, max=1, help="Likeness from which on rows with one answer count as one.")]
Votes = Annotated[
    bool,
    typer.Option(
        "--votes", help="Also the coach's answers that you found good or edited, and without files only these."
    ),
]
Examples = Annotated[bool, typer.Option("--examples", help="Also all skills' example files where files are given.")]
SkillsFile = Annotated[
    Path | None, typer.Option("--skills", metavar="FILE", help="A skills.json in place of Otto's own skills.")
]
HeldOut = Annotated[
    list[Path] | None, typer.Option("--held-out", metavar="FILE", help="A test set: nothing like it is kept.")
]
Seed = Annotated[int, typer.Option(help="For the order of the rows.")]


@app.command(epilog=COLLECT_EXAMPLES)
def collect(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Example files, .jsonl, .json or folders of them; none: all skills' example files."),
    ] = None,
    output: Folder = Path("data"),
    history: Annotated[bool, typer.Option("--history", help="Also what you corrected with `otto fix`.")] = False,
    votes: Votes = False,
    examples: Examples = False,
    skills_file: SkillsFile = None,
    held_out: HeldOut = None,
    private: Annotated[
        str, typer.Option(metavar="refuse|drop|redact", help="Rows with secrets or personal data.")
    ] = "refuse",
    valid: Valid = 0.05,
    test: Test = 0.05,
    near: Near = 0.8,
    alike: Alike = 0.95,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Collect example files, JSONL and corrections into train, valid and test.jsonl with a manifest."""
    from finetune import collect as collecting
    from finetune import dataset, sources
    from finetune.split import Shares
    from otto.cli.terminal import progress_bar
    from otto.config import load
    from otto.examples.file import NOON

    settings, shares, unwanted = load(), Shares(valid, test), _private(private)
    with progress_bar() as progress:
        progress("reading", 0.0)
        snapshot = _snapshot(settings, files or [])
        skills = _schemas(snapshot, skills_file)
        rows = sources.from_history(settings) if history else []
        rows += sources.from_votes(settings) if votes else []
        found, dropped = _read(files or ())
        rows += found
        if examples or not (files or votes):
            rows += sources.from_examples(snapshot, settings)
        progress("comparing", 0.3)
        collection = collecting.collect(
            rows, skills, NOON, shares=shares, near=near, alike=alike,
            private=unwanted, held_out=_read(held_out or ())[0], seed=seed, dropped=dropped,
        )  # fmt: skip
        progress("writing", 0.9)
        manifest = dataset.write_set(output, collection, skills)
    _tell(collection, manifest, as_json)


@app.command(epilog=SPLIT_EXAMPLES)
def split(
    file: Annotated[Path, typer.Argument(help="Rows to split, or with --check a data set's folder.")],
    output: Folder = Path("data"),
    check: Annotated[
        bool, typer.Option("--check", help="Split nothing: name held-back rows that training has seen; exit 1.")
    ] = False,
    valid: Valid = 0.05,
    test: Test = 0.05,
    near: Near = 0.8,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Split rows as `collect` does, leaving out none; or check a data set that exists for leaks."""
    from finetune import dataset, sources
    from finetune.split import Shares, by_source
    from finetune.split import split as parted

    if check:
        raise typer.Exit(_check(file, near, as_json))
    rows, dropped = sources.from_file(file)
    shares = Shares(valid, test)
    parts = parted(rows, shares, near)
    collection = dataset.Collection(parts, tuple(dropped), by_source(rows), shares, near, seed)
    manifest = dataset.write_set(output, collection, {})
    _tell(collection, manifest, as_json)


@app.command(epilog=STATS_EXAMPLES)
def stats(
    file: Annotated[Path, typer.Argument(help="A data set's folder, or a file of rows.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write stats.json, pictures and stats.html.")
    ] = None,
    tokenizer: Annotated[
        str, typer.Option(help="A tokenizer.json, its folder, or a model on the hub; without it, the tiny model's.")
    ] = "",
    words: Annotated[bool, typer.Option("--words", help="Count words instead of tokens.")] = False,
    form: Annotated[str, typer.Option("--format", help="How the model's family frames turns.")] = "plain",
    system: Annotated[str, typer.Option(help="A file of prompts/ that goes before each row, such as router.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show lengths, duplicates, balance and words of a data set, and the max_length that it needs."""
    from finetune import stats as measuring
    from finetune import statspage
    from otto.cli.terminal import print_table
    from otto.files import write_atomic
    from otto.prompt import chat_format, listing, prompt

    text = (
        prompt(system).replace("{skills}", listing(_schemas(_snapshot(_load(), []), None).values())) if system else ""
    )
    ruler = measuring.Ruler(chat_format(form), None if words else measuring.tokenizer(tokenizer), text)
    found = measuring.measure(_parts(file), ruler)
    if output is not None:
        pictures = statspage.draw(found, output)
        statspage.write(found, output / "stats.html", pictures, f"Data set {file.name}")
        write_atomic(output / "stats.json", json.dumps(found.figures(), indent=1, ensure_ascii=False) + "\n")
    if as_json:
        print(json.dumps(found.figures(), ensure_ascii=False))
        return
    print_table(("", ""), statspage.figures(found))
    say("")
    print_table((found.unit, *statspage.LENGTH_HEADINGS), statspage.lengths(found))
    say("\nmost frequent: " + ", ".join(f"{word} {count}" for word, count in list(found.words.items())[:15]))
    if output is not None:
        note(f"pictures and page: {output / 'stats.html'}")


@app.command(epilog=CONVERT_EXAMPLES)
def convert(
    file: Annotated[Path, typer.Argument(help="A .jsonl file, a .json list or an example file.")],
    target: Annotated[Path, typer.Argument(help="The .jsonl file to write.")],
    to: Annotated[
        str, typer.Option(help="Shape: messages, list, prompt, calls, sharegpt or instruction.")
    ] = "messages",
) -> None:
    """Write rows in another of the usual shapes."""
    from finetune.shapes import SHAPES, lines
    from finetune.sources import from_file
    from otto.files import write_atomic

    if to not in SHAPES:
        raise OttoError(f"--to: there is no shape {to!r}; known: {', '.join(SHAPES)}")
    rows, dropped = from_file(file)
    for each in dropped:
        note(str(each))
    try:
        write_atomic(target, lines(rows, to))
    except OSError as error:
        raise OttoError(f"{target}: cannot be written: {error.strerror}") from error
    say(f"{len(rows)} rows in {target}")


def _read(files: Iterable[Path]) -> tuple[list[Conversation], list[Dropped]]:
    """The rows of files, and what could not be read."""
    from finetune.sources import from_file

    rows: list[Conversation] = []
    dropped: list[Dropped] = []
    for path in files:
        found, bad = from_file(path)
        rows += found
        dropped += bad
    return rows, dropped


def _check(folder: Path, near: float, as_json: bool) -> int:
    """Names the leaks of a data set; the exit code."""
    from finetune.shapes import read
    from finetune.split import leaks

    train = read(folder / "train.jsonl")
    held = {name: folder / f"{name}.jsonl" for name in ("valid", "dev", "test")}
    found = {name: leaks(train, read(path), near) for name, path in held.items() if path.exists()}
    if as_json:
        print(json.dumps({name: [str(leak) for leak in several] for name, several in found.items()}))
    else:
        for several in found.values():
            for leak in several:
                say(str(leak))
        note(", ".join(f"{name}: {len(several)} leaks" for name, several in found.items()) or "nothing is held back")
    return 1 if any(found.values()) else 0


def _parts(file: Path) -> Mapping[str, Sequence[Conversation]]:
    """The rows of a data set by split, or of a file."""
    from finetune.shapes import read
    from finetune.sources import from_file
    from finetune.split import SPLITS

    if (file / "manifest.json").is_file():
        return {name: read(file / f"{name}.jsonl") for name in SPLITS}
    return {file.name: from_file(file)[0]}


def _load() -> Settings:
    from otto.config import load

    return load()


def _private(value: str) -> Private:
    if value in ("refuse", "drop", "redact"):
        return cast("Private", value)
    raise OttoError(f"--private: refuse, drop or redact, not {value!r}")


def _snapshot(settings: Settings, files: Sequence[Path]) -> Snapshot:
    """All skills, those of example files given among them."""
    from otto.cli.skills import registry
    from otto.examples.draft import SUFFIX

    inside = [each for path in files for each in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return registry(settings, None, None, [path for path in inside if path.name.endswith(SUFFIX)]).snapshot


def _schemas(snapshot: Snapshot, skills_file: Path | None) -> Mapping[str, Skill]:
    from otto.bench.testset import read_skills

    if skills_file is None:
        return {name: entry.skill for name, entry in snapshot.skills.items()}
    if skills_file.name != "skills.json":
        raise OttoError(f"{skills_file}: schemas stand in a file named skills.json")
    return read_skills(skills_file.parent)


def _tell(collection: Collection, manifest: Path, as_json: bool) -> None:
    """What was written, and why what is missing is missing."""
    if as_json:
        print(manifest.read_text(encoding="utf-8"), end="")
        return
    from otto.cli.terminal import print_table

    content = json.loads(manifest.read_text(encoding="utf-8"))
    kept = content["kept"]
    rows = [
        (source, *(str(kept[name]["by_source"].get(source, 0)) for name in kept))
        for source in content["given"]["by_source"]
    ]
    print_table(("source", *kept), [*rows, ("all", *(str(kept[name]["rows"]) for name in kept))])
    for reason, count in content["dropped"]["by_reason"].items():
        note(f"left out: {count} ({reason} …)")
    note(f"{manifest} names each row that was left out")
