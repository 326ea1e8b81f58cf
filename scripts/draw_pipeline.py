"""Draws docs/pipeline.svg, the way of a command, from the table of boxes below.

    python scripts/draw_pipeline.py

A box names the modules that do its work; one that is not there is an error, so that the picture cannot outlive them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

from otto.files import write_atomic

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "pipeline.svg"
WIDTH, HEIGHT = 1030, 482
BOX = (206, 84)
"""Width and height of a box, in pixels."""
LEFT, TOP, ACROSS, DOWN = 20, 20, 252, 118
"""Where the first box stands, and how far it is to the next one and to the next row."""
STYLE = """
  .ground { fill: #fbfbfd; } .box { fill: #fff; stroke: #c5cad6; } .router { stroke: #235f9f; stroke-width: 2; }
  .title { font: 600 14px system-ui, sans-serif; fill: #1b1d22; }
  .says { font: 12px system-ui, sans-serif; fill: #4a505d; }
  .module { font: 11px ui-monospace, monospace; fill: #5c6270; }
  .way { fill: none; stroke: #235f9f; stroke-width: 1.6; marker-end: url(#tip); }
  .circle { stroke: #1e6b3a; stroke-dasharray: 5 4; marker-end: url(#back); }
  .carries { font: 11px ui-monospace, monospace; fill: #235f9f; }
  .learns { fill: #1e6b3a; }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """Something that is done. `column` and `row` count from 0; `modules` are paths in the project."""

    column: int
    row: int
    title: str
    says: str
    modules: tuple[str, ...]

    @property
    def x(self) -> int:
        return LEFT + self.column * ACROSS

    @property
    def y(self) -> int:
        return TOP + self.row * DOWN


BOXES = (
    Box(0, 0, "Typed or sent", "terminal, page, other programs", ("otto/cli/ask.py", "otto/service", "otto/mcp")),
    Box(0, 1, "Sound", "microphone, browser, satellite", ("otto/audio/mic.py", "otto/wyoming")),
    Box(1, 1, "Where speech is", "begins, ends, echo taken out", ("otto/audio/vad.py", "otto/audio/echo.py")),
    Box(2, 1, "What was said", "Sphinx, Whisper, or a server", ("otto/audio/stt.py",)),
    Box(3, 1, "What is meant", "fewshot, a model where unsure", ("otto/routers",)),
    Box(3, 2, "Is it well-formed", "typed arguments, or it asks", ("otto/skill.py", "otto/question.py")),
    Box(2, 2, "Do it", "a yes if risky; in its own process", ("otto/dispatch.py", "otto/worker")),
    Box(1, 2, "Answer", "spoken, shown, or sent", ("otto/reply.py", "otto/audio/tts.py")),
    Box(1, 3, "History", "SQLite or PostgreSQL", ("otto/store",)),
    Box(2, 3, "Review", "“Right”, or what was meant", ("otto/examples/correction.py",)),
    Box(3, 3, "Examples", "one file a skill, live in a second", ("otto/registry",)),
)
CARRIED = ("AudioChunk", "Utterance", "Transcript")
"""What flows along the row of speech."""


def picture() -> str:
    """The whole file. Raises `FileNotFoundError` for a module that is not there."""
    for box in BOXES:
        for module in box.modules:
            if not (ROOT / module).exists():
                raise FileNotFoundError(f"{box.title}: there is no {module}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>The way of a command: from sound or text over the router to a reply, and back as an "
            "example</title>",
            f"<style>{STYLE}</style>",
            tip("tip", "#235f9f"),
            tip("back", "#1e6b3a"),
            f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="12"/>',
            *map(drawn, BOXES),
            *ways(),
            "</svg>\n",
        ]
    )


def tip(name: str, colour: str) -> str:
    """What arrows end in."""
    shape = f'<path d="M0 0 8 4 0 8z" fill="{colour}"/>'
    size = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
    return f'<defs><marker id="{name}" {size}>{shape}</marker></defs>'


def drawn(box: Box) -> str:
    """A box with its three lines."""
    kind = "box router" if box.modules == ("otto/routers",) else "box"
    modules = " · ".join(module.removeprefix("otto/") for module in box.modules)
    lines = (("title", box.title, 24), ("says", box.says, 46), ("module", modules, 67))
    texts = "".join(
        f'<text class="{name}" x="{box.x + 12}" y="{box.y + down}">{escape(text)}</text>' for name, text, down in lines
    )
    return f'<rect class="{kind}" x="{box.x}" y="{box.y}" width="{BOX[0]}" height="{BOX[1]}" rx="9"/>{texts}'


def ways() -> list[str]:
    """The arrows, and what goes along them."""
    width, height = BOX
    at = {box.title: box for box in BOXES}
    router, check = at["What is meant"], at["Is it well-formed"]
    middle = router.x + width // 2
    typed, examples = at["Typed or sent"], at["Examples"]
    found = [line(f"M{typed.x + width} {typed.y + height // 2} H{middle} V{router.y}")]
    found.append(label(typed.x + width + 12, typed.y + height // 2 - 8, "text"))
    for number, carried in enumerate(CARRIED):
        x, y = LEFT + number * ACROSS + width, router.y + height // 2
        found.append(line(f"M{x} {y} h{ACROSS - width}"))
        found.append(label(x - 10, router.y - 8, carried))
    found.append(line(f"M{middle} {router.y + height} V{check.y}"))
    found.append(label(middle + 8, check.y - 12, "Route"))
    for box, carried in ((check, "Calls"), (at["Do it"], "Results")):
        found.append(line(f"M{box.x} {box.y + height // 2} h{width - ACROSS}"))
        found.append(label(box.x - 40, box.y - 8, carried))
    answer = at["Answer"]
    found.append(line(f"M{answer.x} {answer.y + height // 2} h{-ACROSS // 2}"))
    found.append(label(answer.x - 120, answer.y + height // 2 - 8, "Reply"))
    found.append(line(f"M{answer.x + width // 2} {answer.y + height} V{at['History'].y}", learns=True))
    for box in (at["History"], at["Review"]):
        found.append(line(f"M{box.x + width} {box.y + height // 2} h{ACROSS - width}", learns=True))
    lane = examples.x + width + 18
    back = f"M{examples.x + width} {examples.y + height // 2} H{lane} V{router.y + height // 2} H{router.x + width}"
    found.append(line(back, learns=True))
    found.append(label(examples.x + 2, examples.y - 10, "learnt at once", learns=True))
    return found


def line(path: str, *, learns: bool = False) -> str:
    return f'<path class="way{" circle" if learns else ""}" d="{path}"/>'


def label(x: int, y: int, text: str, *, learns: bool = False) -> str:
    return f'<text class="carries{" learns" if learns else ""}" x="{x}" y="{y}">{escape(text)}</text>'


def main() -> int:
    try:
        write_atomic(PICTURE, picture())
    except FileNotFoundError as error:
        print(f"{error}: correct BOXES in {Path(__file__).name}", file=sys.stderr)
        return 1
    print(PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
