"""Makes a file that Otto serves of what was trained, and proves that it answers alike: `otto export`.

    exported = export(Path("runs/lights"), to=Path("lights.gguf"), options, test, settings)

| trained | comes out |
|---|---|
| an adapter | a GGUF LoRA adapter, to be used on the base's GGUF |
| an adapter, `merge` | one GGUF of base and adapter together |
| a whole model | one GGUF |

The file is written aside, answers the rows of a test set as the `llama` router would, and is compared with the trained
model in PyTorch, call by call. Only if they agree on `agree` of the rows does it get its name and its card: base, data,
prompt, skills, licence, and the figures of this very file.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finetune.answerer import Named, base_of, inside, open_answerer
from finetune.eval import answers
from finetune.gguf import Kind, write_adapter, write_model
from finetune.score import Metrics, Prediction, measured
from finetune.testdata import EvaluationSet
from otto.config import Settings
from otto.errors import ModelFileError, OttoError
from otto.models import card as cards
from otto.models.card import Card
from otto.progress import Progress

AGREE = 0.99
"""Share of rows on which the file must give the trained model's calls."""
ROWS = 500
"""Rows compared, at most."""
LARGE = 6_000_000_000
"""Bytes of a base from which on it is merged in its own precision: in float32 it would take twice the memory."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How to export."""

    merge: bool = False
    kind: Kind = "f16"
    base: str = ""
    """Model under the adapter, where it is not where the adapter says."""
    licence: str = ""
    """In place of the one on the card."""
    agree: float = AGREE
    rows: int = ROWS
    format: str = ""
    """Framing, for a model without a card."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The file against the model that was trained."""

    rows: int
    equal: float
    """Share of rows with the same calls."""
    trained: Metrics
    exported: Metrics
    differing: Sequence[tuple[Prediction, Prediction]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What came out."""

    file: Path
    card: Card
    agreement: Agreement | None
    """None: it was not compared."""


def export(
    source: Path,
    to: Path,
    options: Options,
    test: EvaluationSet | None,
    settings: Settings,
    progress: Progress | None = None,
) -> Exported:
    """Writes `to` and its card. `source`: a run, an adapter or a model; `test`: what to compare on, None not to.

    Raises `ModelFileError` where something cannot be exported, and where the file does not agree: it then stays aside
    under `<name>.disagrees.gguf`, without a card.
    """
    told = progress or (lambda what, share: None)
    folder = inside(source)
    adapter = folder if (folder / "adapter_config.json").is_file() else None
    if options.merge and adapter is None:
        raise ModelFileError(f"{folder}: there is no adapter to merge: it is a whole model already")
    base = base_of(adapter, options.base) if adapter else folder
    known = _card(folder, base, options)
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f"{to.stem}.unchecked.gguf")
    try:
        if adapter and not options.merge:
            write_adapter(adapter, base, aside, name=to.stem, progress=told)
        else:
            with merged(base, adapter, told) as whole:
                write_model(whole, aside, kind=options.kind, name=to.stem, licence=known.licence, progress=told)
        agreement = _compared(base, adapter, aside, known, options, test, settings, told) if test else None
        if agreement and agreement.equal < options.agree:
            raise _disagreement(agreement, aside, to, options)
        card = _finished(known, aside, to, agreement, bool(adapter and not options.merge))
        os.replace(aside, to)
        cards.write(to, card)
    finally:
        aside.unlink(missing_ok=True)
    return Exported(to, card, agreement)


@contextmanager
def merged(base: Path, adapter: Path | None, progress: Progress | None = None) -> Iterator[Path]:
    """A folder of weights with the adapter added to the base's; the base's own folder where there is no adapter."""
    if adapter is None:
        yield base
        return
    from finetune.gguf.adapter import adapter_config
    from finetune.gguf.weights import weight_files

    adapter_config(adapter)
    weight_files(adapter, "adapter_model")
    import torch
    import transformers
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if progress:
        progress("merging the adapter", 0.0)
    size = sum(file.stat().st_size for file in weight_files(base))
    model: Any = AutoModelForCausalLM.from_pretrained(
        base,
        dtype=torch.float32 if size < LARGE else "auto",
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )
    whole: Any = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
    with tempfile.TemporaryDirectory(prefix="otto-merge-") as temporary:
        whole.save_pretrained(temporary)
        for file in sorted(base.iterdir()):
            if file.name.startswith(("tokenizer", "special_tokens", "chat_template", "vocab", "merges")):
                shutil.copy2(file, temporary)
        del model, whole
        yield Path(temporary)


def agreement(trained: Sequence[Prediction], exported: Sequence[Prediction]) -> Agreement:
    """How far two lists of answers to the same rows are the same."""
    pairs = list(zip(trained, exported, strict=True))
    differing = [pair for pair in pairs if pair[0].answered != pair[1].answered]
    return Agreement(len(pairs), 1 - len(differing) / len(pairs), measured(trained), measured(exported), differing)


def _compared(
    base: Path,
    adapter: Path | None,
    file: Path,
    known: Card,
    options: Options,
    test: EvaluationSet,
    settings: Settings,
    progress: Progress,
) -> Agreement:
    """Answers of the trained model and of the file, as Otto would ask each of them."""
    few = replace(test, rows=test.rows[: options.rows])
    trained = answered_by(Named(str(base), str(adapter or ""), format=options.format), few, settings, progress, known)
    with _served(base, adapter, file, options, progress) as (model, tuning):
        named = Named(str(model), str(tuning or ""), format=options.format)
        exported = answered_by(named, few, settings, progress, known)
    return agreement(trained, exported)


@contextmanager
def _served(
    base: Path, adapter: Path | None, file: Path, options: Options, progress: Progress
) -> Iterator[tuple[Path, Path | None]]:
    """(model, adapter) for llama.cpp; under an adapter, the base is written as GGUF for as long as it is asked."""
    if adapter is None or options.merge:
        yield file, None
        return
    with tempfile.TemporaryDirectory(prefix="otto-base-") as temporary:
        under = Path(temporary) / "base.gguf"
        write_model(base, under, kind=options.kind, progress=progress)
        yield under, file


def answered_by(
    named: Named, test: EvaluationSet, settings: Settings, progress: Progress, known: Card
) -> list[Prediction]:
    """In the framing of the card that the file will have."""
    framed = replace(named, format=named.format or known.format, system=known.system)
    found = []
    with open_answerer(framed, test, settings, progress) as answerer:
        for prediction in answers(answerer, test.rows, test.skills):
            found.append(prediction)
            progress(f"asking {answerer.name}", len(found) / len(test.rows))
    return found


def _card(folder: Path, base: Path, options: Options) -> Card:
    """What is known of the source. Raises `ModelFileError` where neither a card nor `format` says how it is asked."""
    own, under = cards.read(folder), cards.read(base)
    if own is None and not options.format:
        raise ModelFileError(f"{folder}: no card says how it was taught; name its framing: --format chatml")
    known = own or Card(name=folder.name, kind="transformers", format=options.format)
    licence = options.licence or known.licence or (under.licence if under else "")
    return replace(known, licence=licence)


def _finished(known: Card, aside: Path, to: Path, compared: Agreement | None, is_adapter: bool) -> Card:
    """The card of the new file; figures of the model that it was made from do not count for it."""
    figures: Mapping[str, float] = {}
    if compared:
        figures = {**compared.exported.figures(), "agreement": compared.equal, "agreement_rows": compared.rows}
    return replace(
        known,
        name=to.stem,
        kind="gguf-adapter" if is_adapter else "gguf",
        sha256={to.name: cards.digest(aside)},
        size=aside.stat().st_size,
        metrics=figures,
        made=datetime.now(UTC).date().isoformat(),
    )


def _disagreement(found: Agreement, aside: Path, to: Path, options: Options) -> OttoError:
    kept = to.with_name(f"{to.stem}.disagrees.gguf")
    os.replace(aside, kept)
    shown = "".join(
        f"\n  {mine.text!r}: trained {mine.answered or mine.fault}, exported {theirs.answered or theirs.fault}"
        for mine, theirs in found.differing[:_SHOWN]
    )
    return ModelFileError(
        f"{kept}: it gives the trained model's calls in {found.equal:.1%} of {found.rows} rows, not in "
        f"{options.agree:.0%}; a finer kind (--quantise f16) may, or allow less with --agree{shown}"
    )
