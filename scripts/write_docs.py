"""Writes the generated parts of README.md and docs/: what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.

python scripts/write_docs.py            write them anew
python scripts/write_docs.py --check    exit 1 and name the files that are stale
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/commands.md", "docs/configuration.md")
BLOCK = re.compile(r"(?P<begin><!-- begin (?P<name>\w+) -->\n).*?(?P<end><!-- end (?P=name) -->)", re.DOTALL)


def skills() -> str:
    """The bundled skills: how each is called, what it does, whether it asks first, how many examples it learns from."""
    from otto import signature
    from otto.config import Folders, bundled
    from otto.registry.registry import Registry

    with tempfile.TemporaryDirectory() as cache:
        registry = Registry(Folders((bundled("examples"),), (bundled("skills"),)), cache=Path(cache))
        entries = sorted(registry.snapshot.skills.items())
        registry.close()
    rows = ["| skill | what it does | examples |", "|---|---|---|"]
    for name, entry in entries:
        call = signature.write(entry.skill).replace("|", "\\|")
        asks = " *Asks first.*" if entry.skill.risk == "confirm" else ""
        own = sum(any(call.name == name for call in example.calls) for example in entry.examples)
        description = " ".join(entry.skill.description.split()).replace("|", "\\|")
        rows.append(f"| `{call}` | {description}{asks} | {own} |")
    return "\n".join(rows)


def settings() -> str:
    """Every setting with its default."""
    from otto.config import table

    return table()


def commands() -> str:
    """The `--help` of every command."""
    import typer.testing

    from otto.cli import app

    # A fixed width and no colours: the page must not depend on who writes it.
    os.environ |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    group = typer.main.get_command(app)
    paths: list[tuple[str, ...]] = [()]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        paths += [(name,), *((name, verb) for verb in getattr(command, "commands", ()))]
    runner = typer.testing.CliRunner()
    parts = []
    for path in paths:
        shown = runner.invoke(app, [*path, "--help"], prog_name="otto").stdout
        lines = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())
        parts.append(f"## otto {' '.join(path)}".rstrip() + f"\n\n```text\n{lines}\n```\n")
    return "\n".join(parts).rstrip("\n")


BLOCKS: Mapping[str, Callable[[], str]] = {"skills": skills, "settings": settings, "commands": commands}


def renewed(page: str) -> str:
    """The page with its generated parts as they should be."""
    return BLOCK.sub(lambda block: f"{block['begin']}{BLOCKS[block['name']]()}\n{block['end']}", page)


def stale() -> dict[Path, str]:
    """The pages that differ from what they should be, with what they should be."""
    pages = {ROOT / name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
    fresh = {path: renewed(text) for path, text in pages.items()}
    return {path: text for path, text in fresh.items() if text != pages[path]}


def main() -> int:
    """Writes or checks; the exit code."""
    pages = stale()
    for path, text in pages.items():
        if "--check" in sys.argv:
            print(f"{path.relative_to(ROOT)} is stale: make docs")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if pages and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
