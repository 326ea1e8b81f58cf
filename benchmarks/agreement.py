"""How often a GGUF file gives the calls of the Hugging Face model that it was made from: same weights, same prompts.

    python benchmarks/agreement.py otto/data/tiny --kinds f16 q8_0 q4_0 --json benchmarks/results/agreement.json
    python benchmarks/agreement.py runs/lights --data data --rows 500

Each kind of file is written with the project's exporter and answers the rows through `otto/models/llama.py`, under the
grammar; the model itself answers them through `otto/models/transformer.py`, under the same. Rows are held-out examples
of the bundled skills unless others are named. "sure" are rows to which the model gives a confidence of at least 0.5:
where it guesses, a rounding may tip it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from finetune.answerer import Named, base_of, inside
from finetune.export import agreement, answered_by, merged
from finetune.gguf import KINDS, write_model
from finetune.testdata import open_test
from otto.config import load
from otto.files import write_atomic
from otto.models import card as cards
from otto.models.card import Card


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", type=Path, help="a run, a model or an adapter")
    arguments.add_argument("--data", default="held-out")
    arguments.add_argument("--rows", type=int, default=500)
    arguments.add_argument("--kinds", nargs="+", choices=KINDS, default=["f16"])
    arguments.add_argument("--format", default="", help="of a model without a card")
    arguments.add_argument("--json", type=Path)
    given = arguments.parse_args()
    settings = load()
    folder = inside(given.model)
    adapter = folder if (folder / "adapter_config.json").is_file() else None
    base = base_of(folder) if adapter else folder
    known = cards.read(folder) or Card(name=folder.name, kind="transformers", format=given.format)
    test = open_test(given.data, settings)
    # Spread over the whole set, which is sorted by skill.
    step = max(1, len(test.rows) // given.rows)
    test = replace(test, rows=test.rows[::step][: given.rows])
    started = time.monotonic()
    trained = answered_by(Named(str(base), str(adapter or ""), format=given.format), test, settings, quiet, known)
    print(f"PyTorch: {len(trained)} rows in {time.monotonic() - started:.0f} s", flush=True)
    figures: dict[str, object] = {"model": known.name, "rows": len(trained), "data": given.data}
    with tempfile.TemporaryDirectory() as temporary, merged(base, adapter) as whole:
        for kind in given.kinds:
            file = Path(temporary) / f"{kind}.gguf"
            write_model(whole, file, kind=kind)
            started = time.monotonic()
            exported = answered_by(Named(str(file), format=given.format), test, settings, quiet, known)
            found = agreement(trained, exported)
            sure = [pair for pair in zip(trained, exported, strict=True) if pair[0].confidence >= 0.5]
            equal = sum(mine.answered == theirs.answered for mine, theirs in sure)
            figures[kind] = {
                "equal": found.equal, "equal_where_sure": equal / max(1, len(sure)), "sure": len(sure),
                "bytes": file.stat().st_size, "trained_exact_typed": found.trained.exact_typed,
                "exact_typed": found.exported.exact_typed, "ms_p50": found.exported.milliseconds_p50,
            }  # fmt: skip
            print(f"{kind}: {found.equal:.4f} of {found.rows} calls equal ({equal} of {len(sure)} where it is sure), "
                  f"exact_typed {found.trained.exact_typed:.4f} -> {found.exported.exact_typed:.4f}, "
                  f"{file.stat().st_size / 1e6:.1f} MB, {time.monotonic() - started:.0f} s", flush=True)  # fmt: skip
            for mine, theirs in found.differing[:5]:
                print(f"   {mine.text!r}: {mine.answered or mine.fault} | {theirs.answered or theirs.fault}")
    if given.json:
        write_atomic(given.json, json.dumps(figures, indent=1) + "\n")


def quiet(what: str, share: float) -> None:
    """No progress."""


if __name__ == "__main__":
    main()
