"""Pictures and self-contained HTML pages: what reports are made of. Needs matplotlib for the pictures.

figure, axes = new_figure(8, 3)
save(figure, folder / "lengths.png")
write_page("Title", [heading("Lengths"), table(("", "tokens"), rows), picture(folder / "lengths.png")], to)
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from otto.errors import ConfigError
from otto.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DARK, LIGHT, LINE = "#1f5f8b", "#9cc3dd", "#b5483a"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2733}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #d5dde3;"
    "text-align:left;overflow-wrap:anywhere}img{max-width:100%;display:block;margin:1.5rem 0}"
    "@media(prefers-color-scheme:dark){body{background:#14191e;color:#dbe3ea}td,th{border-color:#34414c}"
    "img{background:#fff}}"
)


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of that many inches with one pair of axes. Raises `ConfigError` where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("plots need matplotlib: pip install 'otto-assistant[finetune]'") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def save(figure: Figure, to: Path) -> Path:
    """Writes a PNG."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; the page beside it has the words.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*missing")
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    write_atomic(to, buffer.getvalue())
    return to


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text; everything is escaped."""
    head = "".join(f"<th>{escape(each)}</th>" for each in headings) if any(headings) else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def picture(file: Path) -> str:
    """A picture inside the page."""
    content = base64.b64encode(file.read_bytes()).decode()
    return f'<img alt="{escape(file.stem)}" src="data:image/png;base64,{content}">'


def write_page(title: str, parts: Sequence[str], to: Path) -> None:
    """One file that needs no other. `parts` are HTML."""
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>"
    )
    write_atomic(to, "\n".join([head, *parts]) + "\n")
