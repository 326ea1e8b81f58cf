"""`otto route`: what a sentence means to one router or several, side by side, with why. Nothing is carried out."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from otto.config import Settings
    from otto.registry.live import Live
    from otto.route import Route, Router

EXAMPLES = """Examples:

otto route "wake me at seven"

otto route "wake me at seven" --router fewshot --router llama

otto route --json "could you see to it that i'm up by seven" """

PATIENCE_SECONDS = 60.0
"""For one model's answer."""


def route(
    text: Annotated[list[str], typer.Argument(help="The sentence.")],
    router: Annotated[
        list[str] | None,
        typer.Option("--router", help="fewshot, llama, transformers, openai or cascade; may be given several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each router.")] = False,
) -> None:
    """Show what a sentence means, and why; run nothing."""
    from otto.cli.terminal import progress_bar
    from otto.clock import SystemClock
    from otto.config import folders, load
    from otto.errors import OttoError
    from otto.log import set_up
    from otto.registry.live import Live
    from otto.route import Context
    from otto.routers.choose import ROUTERS
    from otto.turn import clean

    settings = load()
    set_up(settings.log_level, settings.state_folder / "otto.log", conversing=True)
    said, context = clean(" ".join(text)), Context(SystemClock().now())
    for name in router or []:
        if name not in ROUTERS:
            raise OttoError(f"there is no router {name!r}; known: {', '.join(ROUTERS)}")
    # Without models: each is made below, so that one which cannot be had does not hide the others.
    plain = settings if router is None else replace(settings, router="fewshot")
    with progress_bar() as progress:
        live = Live(plain, folders(settings), progress)
    rows = []
    try:
        for name, each in _routers(live, settings, router):
            rows.append(_row(name, each, said, context))
    finally:
        live.close()
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    else:
        _table(rows)


def _routers(live: Live, settings: Settings, names: list[str] | None) -> list[tuple[str, Router | str]]:
    """By name; a sentence instead where one cannot be had."""
    from otto.errors import OttoError
    from otto.routers.choose import MODELS

    first = live.ready.router
    if not names:
        return [(settings.router, first)]
    skills = [entry.skill for name, entry in live.ready.snapshot.skills.items() if name not in settings.hidden]
    found: list[tuple[str, Router | str]] = []
    for name in names:
        try:
            found.append(
                (name, live.models.single(name, skills) if name in MODELS else live.models.over(first, skills, name))
            )
        except OttoError as error:
            found.append((name, str(error)))
    return found


def _row(name: str, router: Router | str, text: str, context: Any) -> dict[str, Any]:
    from otto.errors import ModelError
    from otto.routers.model import ModelRouter

    if isinstance(router, str):
        return {"asked": name, "error": router}
    started = time.perf_counter()
    try:
        # Somebody who compares waits until the model is loaded.
        found: Route = (
            router.route(text, context, seconds=PATIENCE_SECONDS)
            if isinstance(router, ModelRouter)
            else router.route(text, context)
        )
    except ModelError as error:
        return {"asked": name, "error": str(error)}
    return {
        "asked": name,
        "router": found.router,
        "calls": [str(call) for call in found.calls],
        "confidence": round(found.confidence, 4),
        "milliseconds": round(1000 * (time.perf_counter() - started), 1),
        "alternatives": [
            {"calls": [str(call) for call in other.calls], "confidence": round(other.confidence, 4)}
            for other in found.alternatives
        ],
        "trace": dict(found.trace),
    }


def _table(rows: list[dict[str, Any]]) -> None:
    """One block a router: the calls, how sure, how long; then why."""
    from otto.cli.terminal import print_table

    print_table(("router", "calls", "sure", "ms", "why"), map(_cells, rows), right=("sure", "ms"))


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "error" in row:
        return row["asked"], row["error"]
    answered = row["asked"] if row["asked"] == row["router"] else f"{row['asked']} ({row['router']})"
    calls = "\n".join(row["calls"])
    return answered, calls, f"{row['confidence']:.2f}", f"{row['milliseconds']:.1f}", _why(row)


def _why(row: dict[str, Any]) -> str:
    """The cascade's reasons first, then scores, then what else it could be."""
    trace = dict(row["trace"])
    reasons = [str(trace.pop("cascade"))] if "cascade" in trace else []
    reasons += [", ".join(f"{key} {value}" for key, value in trace.items())]
    reasons += [f"or {'; '.join(other['calls'])} {other['confidence']:.2f}" for other in row["alternatives"]]
    return "\n".join(reason for reason in reasons if reason)
