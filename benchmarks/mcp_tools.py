"""What fifty tools of an MCP server cost, and whether they are found: how long until they are routable, what becomes of
the bundled skills beside them, and how many sentences that people would say reach the right tool.

    python benchmarks/mcp_tools.py                     a table; writes results/mcp_tools.json
    python benchmarks/mcp_tools.py --sets house        only one set of tools
    python benchmarks/mcp_tools.py --repeats 20        how often the time is measured

The sets are in `benchmarks/mcp/`, each with three sentences a tool that were written before anything was measured:
`house` was used for development, `developer` was held out. Commands are those of `tests/data/commands.jsonl`, in three
groups: what the bundled skills can do, what they cannot, and both. A few that no bundled skill can do are just what a
tool of the set does ("switch the lamp off"): `judged.json` says which, as somebody marked them who had seen no answer,
and there the tool is as right as `other()`; `as_labelled` counts it as wrong even so. Time is counted from the moment a
server is named: `started` starts its program, `running` reaches one over HTTP.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from otto.call import OTHER, Call, parse
from otto.config import Settings, folders
from otto.files import write_atomic
from otto.registry.live import Live
from otto.route import Context, Router
from otto.skill import Skill, same_calls

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "mcp_tools.json"
COMMANDS = HERE.parent / "tests" / "data" / "commands.jsonl"
NOW = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo("Europe/Berlin"))
SETS = ("house", "developer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--repeats", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            config_folder=Path(folder) / "config",
            state_folder=Path(folder) / "state",
            cache_folder=Path(folder) / "cache",
            router="fewshot",
        )
        alone = Live(settings, folders(settings))
        found: dict[str, Any] = {"load": os.getloadavg()[0], "without": commands(alone)}
        alone.close()
        print("without tools", found["without"], flush=True)
        for name in given.sets:
            found[name] = measured(settings, name, given.repeats)
            print(name, json.dumps(found[name], indent=1), flush=True)
    if tuple(given.sets) == SETS:
        write_atomic(RESULTS, json.dumps(found, indent=1) + "\n")


def measured(settings: Settings, name: str, repeats: int) -> dict[str, Any]:
    """All figures of one set of tools."""
    tools = json.loads((HERE / "mcp" / f"{name}.json").read_text(encoding="utf-8"))["tools"]
    program = f"{sys.executable} {HERE / 'mcp' / 'server.py'} {name}.json"
    started = [routable(settings, f"{name}: {program}", tools) for _ in range(repeats)]
    with running(program) as url:
        reached = [routable(settings, f"{name}: {url}", tools) for _ in range(repeats)]
    live = Live(replace(settings, mcp_servers=(f"{name}: {program}",)), folders(settings))
    try:
        beside = commands(live, json.loads((HERE / "mcp" / "judged.json").read_text(encoding="utf-8"))[name])
        right = reach(live.ready.router, tools)
    finally:
        live.close()
    return {"tools": len(tools), **beside, **right, "started": spread(started), "running": spread(reached)}


def routable(settings: Settings, server: str, tools: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Seconds from naming a server, in an Otto that runs, until all of its tools are skills of the router; and how much
    work of Otto's own processor time that was, which does not depend on what else the machine does."""
    from otto.mcp.use import Servers

    live = Live(settings, folders(settings))
    try:
        start, work = time.perf_counter(), time.process_time()
        live.adopt(Servers([server], settings.cache_folder))
        seconds, worked = time.perf_counter() - start, time.process_time() - work
        missing = {each["name"] for each in tools} - live.ready.snapshot.skills.keys()
        if missing:
            raise SystemExit(f"not routable: {sorted(missing)}")
        return seconds, worked
    finally:
        live.close()


def commands(live: Live, judged: Mapping[str, str] = MappingProxyType({})) -> dict[str, float]:
    """Shares of the commands that are understood, typed. `judged`: the tools that are right for some, by sentence."""
    rows = [json.loads(line) for line in COMMANDS.read_text(encoding="utf-8").splitlines()]
    skills: dict[str, Skill] = {name: entry.skill for name, entry in live.ready.snapshot.skills.items()}
    right: dict[bool, list[bool]] = {True: [], False: []}
    as_labelled: list[bool] = []
    for row in rows:
        wanted: tuple[Call, ...] = parse(row["call"])
        given = live.ready.router.route(row["text"], Context(NOW)).calls
        as_labelled.append(same_calls(wanted, given, skills, NOW))
        right[wanted[0].name != OTHER].append(as_labelled[-1] or given[0].name == judged.get(row["text"]))
    return {
        "exact_typed": round(statistics.mean(right[True] + right[False]), 4),
        "of_bundled_skills": round(statistics.mean(right[True]), 4),
        "of_none": round(statistics.mean(right[False]), 4),
        "as_labelled": round(statistics.mean(as_labelled), 4),
    }


def reach(router: Router, tools: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Share of the tools' sentences that reach the tool, or another one of the set."""
    names = {each["name"] for each in tools}
    given = [
        (each["name"], router.route(text, Context(NOW)).calls[0].name) for each in tools for text in each["sentences"]
    ]
    return {
        "reached": round(statistics.mean(wanted == found for wanted, found in given), 4),
        "reached_another": round(statistics.mean(wanted != found and found in names for wanted, found in given), 4),
    }


@contextmanager
def running(program: str) -> Iterator[str]:
    """The server over HTTP, at this address, answering."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([*program.split(), str(port)])
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


def spread(measured: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Smallest, middle and largest; the first one pays for what is loaded once."""
    seconds = [each for each, _ in measured]
    return {
        "work_s": round(statistics.median(worked for _, worked in measured), 2),
        "first_work_s": round(measured[0][1], 2),
        "first_s": round(seconds[0], 2),
        "least_s": round(min(seconds), 2),
        "median_s": round(statistics.median(seconds), 2),
        "most_s": round(max(seconds), 2),
        "repeats": len(seconds),
    }


if __name__ == "__main__":
    main()
