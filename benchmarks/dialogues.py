"""How the bundled skills do where one sentence is not one command: `tests/data/multi.jsonl` and `dialogues.jsonl`.

    python benchmarks/dialogues.py            a table
    python benchmarks/dialogues.py --json     one JSON object
    python benchmarks/dialogues.py --wrong    also the rows of the development half that are wrong

A row of `multi.jsonl` is right when all its calls are, in order; a dialogue when every turn is. Even rows are for
development, odd rows are held out: of those only totals are shown, by this program too.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from otto.call import OTHER, Call, parse
from otto.config import Folders, Settings, bundled, load
from otto.conversation import Conversation
from otto.dispatch import Result
from otto.question import missing
from otto.registry.live import Live, Ready
from otto.route import Context, Question, Route
from otto.skill import Skill, same_calls
from otto.turn import waiting
from otto.undo import UNDO, Done
from otto.worker.job import answer_to, session_entry

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
ELSEWHERE = ("volume", "media", "weather", "news", "openai", "story", "runapp", "lock", "define")
"""Skills that need the network or other programs."""
EARLIER = (
    ['timer(duration="5 minutes")'],
    ['weather(location="Berlin")'],
    ['reminder(text="call mum", when="2026-03-04 18:00")'],
    ['todo(action="add", item="milk")'],
    ['math(question="2+2")'],
    ['volume(action="up")'],
)
"""What was said before, in turn, for `after_another`."""
NOW = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo("Europe/Berlin"))


@dataclass(frozen=True, slots=True)
class Scored:
    """One row, and whether it was understood."""

    text: str
    wanted: str
    given: str
    right: bool
    several: bool = False
    milliseconds: float = 0.0


def rows(name: str) -> list[dict[str, Any]]:
    """The lines of a file in tests/data."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def calls(written: Sequence[str]) -> tuple[Call, ...]:
    """From strings to calls."""
    return tuple(call for each in written for call in parse(each, max_length=None))


def sentences(ready: Ready) -> list[Scored]:
    """`multi.jsonl`, row by row."""
    skills = schemas(ready)
    scored = []
    for row in rows("multi.jsonl"):
        wanted = calls(row["calls"])
        started = time.perf_counter()
        route = ready.router.route(row["text"], Context(NOW))
        taken = 1000 * (time.perf_counter() - started)
        right = same_calls(wanted, route.calls, skills, NOW)
        scored.append(Scored(row["text"], "; ".join(row["calls"]), str(route), right, len(wanted) > 1, taken))
    return scored


def dialogues(ready: Ready) -> list[Scored]:
    """`dialogues.jsonl`, one after another, each with a store of its own."""
    scored = []
    for row in rows("dialogues.jsonl"):
        with tempfile.TemporaryDirectory() as folder:
            scored.append(_dialogue(row, ready, Path(folder)))
    return scored


def _dialogue(row: Mapping[str, Any], ready: Ready, folder: Path) -> Scored:
    """All turns, each with what the ones before left behind."""
    skills, talk = schemas(ready), Conversation()
    if "asked" in row:
        options = tuple(calls(option) for option in row["asked"])
        talk.remember("", Route(options[0], 0.5, ""), (), Question(options=options), NOW)
    given, right = [], True
    for turn in row["turns"]:
        route = ready.router.route(turn["text"], talk.context(NOW))
        results = performed(route.calls, ready, turn["text"], talk.done, folder)
        talk.remember(turn["text"], route, results, waiting(results), NOW)
        given.append(str(route))
        right = right and same_calls(calls(turn["calls"]), route.calls, skills, NOW)
    said = [turn["text"] for turn in row["turns"]]
    wanted = ["; ".join(turn["calls"]) for turn in row["turns"]]
    return Scored(" / ".join(said), " / ".join(wanted), " / ".join(given), right)


def after_another(ready: Ready) -> tuple[float, float]:
    """`exact_typed` of `commands.jsonl` said alone, and said right after some other command: what is a command by
    itself has to stay one."""
    skills = schemas(ready)
    said = rows("commands.jsonl")
    alone, after = [], []
    for place, row in enumerate(said):
        before = calls(EARLIER[place % len(EARLIER)])
        context = Context(NOW, last=before, until=NOW, undoable=before[0].name not in ("weather", "math"))
        wanted = parse(row["call"])
        alone.append(same_calls(wanted, ready.router.route(row["text"], Context(NOW)).calls, skills, NOW))
        after.append(same_calls(wanted, ready.router.route(row["text"], context).calls, skills, NOW))
    return sum(alone) / len(said), sum(after) / len(said)


def performed(
    meant: Sequence[Call], ready: Ready, text: str, done: tuple[Done, ...], folder: Path
) -> tuple[Result, ...]:
    """What becomes of calls: skills that need only the store run here as they do in the worker process; of the others a
    valid call counts as done, and as one that can be undone where the skill offers that."""
    if all(call.name == OTHER for call in meant):
        return ()
    results: list[Result] = []
    for call in meant:
        if results and not results[-1].ok:
            results.append(Result(call, "refused", reached=False))
        elif call.name == UNDO:
            results.append(Result(call, "ran" if done else "failed"))
        else:
            results.append(_performed(call, ready, text, folder))
    return tuple(results)


def _performed(call: Call, ready: Ready, text: str, folder: Path) -> Result:
    entry = ready.snapshot.skills[call.name]
    if (needed := missing(entry.skill, call)) is not None:
        return Result(call, "refused", asks=needed.name)
    call = entry.skill.canonical(call, NOW)
    function = entry.function
    if call.name == "volume" and call.arguments == {"action": "set"}:
        return Result(call, "failed", asks="level")
    if call.name in ELSEWHERE or function is None:
        return Result(call, "ran", undo={} if call.name in ("volume", "media") else None)
    session = session_entry(NOW, Settings(state_folder=folder), text=text)
    job = {"job": "run", "file": str(function.file), "source": function.source, "call": str(call), "session": session}
    answer: dict[str, Any] = answer_to(job)
    if "error" in answer:
        return Result(call, "failed", asks=answer["asks"])
    return Result(call, "ran", undo=answer.get("undo"))


def schemas(ready: Ready) -> Mapping[str, Skill]:
    """The skills by name."""
    return {name: entry.skill for name, entry in ready.snapshot.skills.items()}


def share(scored: Sequence[Scored]) -> float:
    """Of those that are right."""
    return sum(each.right for each in scored) / max(1, len(scored))


def figures(name: str, scored: Sequence[Scored]) -> dict[str, float]:
    """`exact_typed` of both halves, and of several and one apart."""
    found = {f"{name}_development": share(scored[::2]), f"{name}_held_out": share(scored[1::2])}
    if name == "multi":
        for half, part in (("development", scored[::2]), ("held_out", scored[1::2])):
            found[f"{name}_{half}_several"] = share([each for each in part if each.several])
            found[f"{name}_{half}_one"] = share([each for each in part if not each.several])
        times = sorted(each.milliseconds for each in scored)
        found |= {"multi_route_ms_p50": times[len(times) // 2], "multi_route_ms_p99": times[int(0.99 * len(times))]}
    return found


def main() -> None:
    """Trains, or takes the trained router from the cache, and scores."""
    live = Live(load(), Folders((bundled("examples"),), (bundled("skills"),)))
    understood, held = sentences(live.ready), dialogues(live.ready)
    alone, after = after_another(live.ready)
    live.close()
    found = figures("multi", understood) | figures("dialogues", held)
    found |= {"commands_alone": alone, "commands_after_another": after}
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:32} {value:.4f}")
    if "--wrong" in sys.argv:
        for each in (*understood[::2], *held[::2]):
            if not each.right:
                print(f"\n{each.text}\n  wanted {each.wanted}\n  given  {each.given}")


if __name__ == "__main__":
    main()
