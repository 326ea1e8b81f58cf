"""What `otto serve` adds to a command: many clients for a minute against a server of its own with the bundled skills.

    python benchmarks/service.py            100 clients, 60 s; into benchmarks/results
    python benchmarks/service.py --clients 20 --seconds 10 --folder /tmp/results

Each client says something, waits for the answer, and thinks for two seconds on average (exponentially distributed), so
that 100 clients say about fifty sentences a second. Half of them are only understood (`/api/route`), half are carried
out (`/api/ask`). A client that is told that too much waits (503) tries again when it was told to. *Plumbing* is what a
client waits beyond the stages that the answer itself names (`route`, `dispatch`, `store`); the whole is given beside
it. Server and clients share the processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from otto.files import write_atomic

RESULTS = Path(__file__).resolve().parent / "results"
THINKING_SECONDS = 2.0
TRIES = 5
STAGES = ("route", "dispatch", "store")
SENTENCES = (
    "what is nine times nine",
    "what time is it in tokyo",
    "what's the date tomorrow",
    "how much is 15 percent of 80",
    "which timers are running",
    "what is on my to do list",
    "read my notes",
    "what day is the third of may",
)
SERVER = """
import sys
from otto.config import load
from otto.service.run import Server
server = Server(load(), port=0)
server.run(lambda: print(server.port, server.service.token.secret, flush=True))
"""


@dataclass
class Seen:
    """What the clients saw."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    given_up: int = 0
    """Commands refused `TRIES` times in a row."""
    failures: Counter[str] = field(default_factory=Counter)
    """Requests that got no answer at all, by kind of error."""
    answers: list[tuple[float, str, float, float]] = field(default_factory=list)
    """(seconds since the start, path, milliseconds, of these in the stages)."""
    server_seconds: float = 0.0
    """Processor time of the server."""
    refused: list[float] = field(default_factory=list)
    """Milliseconds to be told that too much waits."""


async def client(http: httpx.AsyncClient, draw: random.Random, began: float, until: float, seen: Seen) -> None:
    """One of them."""
    await asyncio.sleep(draw.uniform(0, THINKING_SECONDS))
    while time.monotonic() < until:
        path = draw.choice(("/api/route", "/api/ask"))
        body = {"text": draw.choice(SENTENCES)}
        for _ in range(TRIES):
            seen.sent += 1
            started = time.monotonic()
            try:
                answer = await http.post(path, json=body)
            except httpx.HTTPError as error:
                seen.failures[type(error).__name__] += 1
                break
            taken = 1000 * (time.monotonic() - started)
            seen.statuses[answer.status_code] += 1
            if answer.status_code != 503:
                timings = answer.json().get("timings_ms", {})
                stages = sum(timings.get(stage, 0.0) for stage in STAGES)
                seen.answers.append((started - began, path, taken, stages))
                break
            seen.refused.append(taken)
            await asyncio.sleep(float(answer.headers["retry-after"]) * draw.uniform(0.5, 1.5))
        else:
            seen.given_up += 1
        await asyncio.sleep(draw.expovariate(1 / THINKING_SECONDS))


def memory_mb(pid: int) -> float:
    """Resident memory of a process, without its children."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1)


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def watch(pid: int, began: float, until: float) -> list[tuple[float, float]]:
    """(seconds, MB), once a second."""
    seen = []
    while time.monotonic() < until:
        seen.append((round(time.monotonic() - began, 1), memory_mb(pid)))
        await asyncio.sleep(1)
    return seen


async def load(
    port: int, token: str, pid: int, clients: int, seconds: float
) -> tuple[Seen, list[tuple[float, float]], str]:
    """All of it; what the server's own metrics say comes last."""
    seen = Seen()
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    headers = {"Authorization": f"Bearer {token}"}
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=30, trust_env=False) as http:
        for text in SENTENCES:  # what is learnt and loaded at first use is no part of this
            await http.post("/api/ask", json={"text": text})
        used, began = processor_seconds(pid), time.monotonic()
        until = began + seconds
        talk = [client(http, random.Random(number), began, until, seen) for number in range(clients)]
        memory, *_ = await asyncio.gather(watch(pid, began, until), *talk)
        seen.server_seconds = processor_seconds(pid) - used
        return seen, memory, (await http.get("/metrics")).text


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest."""
    if len(values) < 2:
        return {}
    cuts = quantiles(values, n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 2),
        "p95": round(cuts[94], 2),
        "p99": round(cuts[98], 2),
        "max": round(max(values), 2),
    }


def figures(seen: Seen, memory: list[tuple[float, float]], clients: int, seconds: float) -> dict[str, Any]:
    """What is recorded."""
    kinds = {path: [row for row in seen.answers if row[1] == path] for path in ("/api/route", "/api/ask")}
    answered = sum(seen.statuses.values())
    settled = [mb for at, mb in memory if at >= seconds / 6]
    return {
        "clients": clients,
        "seconds": seconds,
        "processors": os.cpu_count(),
        "load_average_before": round(LOAD_BEFORE, 2),
        "requests": seen.sent,
        "requests_a_second": round(seen.sent / seconds, 1),
        "answered": answered,
        "lost": seen.sent - answered,
        "failures": dict(seen.failures),
        "statuses": {str(status): number for status, number in sorted(seen.statuses.items())},
        "server_cpu_ms_a_request": round(1000 * seen.server_seconds / max(1, answered), 2),
        "busy_share": round(seen.statuses[503] / max(1, answered), 4),
        "given_up": seen.given_up,
        "plumbing_ms": percentiles([taken - stages for _, _, taken, stages in seen.answers]),
        "busy_ms": percentiles(seen.refused),
        **{
            path.rpartition("/")[2]: {
                "requests": len(rows),
                "whole_ms": percentiles([taken for _, _, taken, _ in rows]),
                "plumbing_ms": percentiles([taken - stages for _, _, taken, stages in rows]),
            }
            for path, rows in kinds.items()
        },
        "memory_mb": {"start": settled[0], "end": settled[-1], "growth": round(settled[-1] - settled[0], 1)},
    }


def plot(seen: Seen, memory: list[tuple[float, float]], found: dict[str, Any], path: Path) -> None:
    """Latency over time, how it is distributed, and memory, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "otto", "font.size": 9})
    figure, (over_time, spread, used) = pyplot.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    for name, colour in (("/api/ask", "#b3541e"), ("/api/route", "#2f6690")):
        rows = [row for row in seen.answers if row[1] == name]
        over_time.scatter(
            [row[0] for row in rows], [row[2] for row in rows], s=3, color=colour, label=name, rasterized=True
        )
        whole = sorted(row[2] for row in rows)
        plumbing = sorted(row[2] - row[3] for row in rows)
        share = [100 * (place + 1) / len(rows) for place in range(len(rows))]
        spread.plot(whole, share, color=colour, label=f"{name}, whole")
        spread.plot(plumbing, share, color=colour, linestyle="--", label=f"{name}, plumbing")
    over_time.set(yscale="log", xlabel="seconds", ylabel="milliseconds", title=f"{found['clients']} clients")
    spread.axhline(99, color="#999999", linewidth=0.7)
    spread.axvline(50, color="#999999", linewidth=0.7)
    spread.set(xscale="log", xlabel="milliseconds", ylabel="% answered", title="latency")
    spread.legend(fontsize=7)
    over_time.legend(fontsize=7)
    used.plot([at for at, _ in memory], [mb for _, mb in memory], color="#3a7d44")
    used.set(xlabel="seconds", ylabel="MB", title="memory of the server", ylim=(0, 1.2 * max(mb for _, mb in memory)))
    partial = path.with_name(f".{path.name}")
    figure.savefig(partial, format="svg", metadata={"Date": None})
    write_atomic(path, partial.read_bytes())
    partial.unlink()


def main() -> None:
    """Starts a server, has the clients talk to it, and writes what came of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clients", type=int, default=100)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--folder", type=Path, default=RESULTS)
    given = options.parse_args()
    if not find_spec("matplotlib"):
        sys.exit("the plot needs matplotlib: pip install 'otto-assistant[bench]'")
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "XDG_RUNTIME_DIR": f"{place}/run"}
        environment |= {f"XDG_{kind}_HOME": f"{place}/{kind.lower()}" for kind in ("CONFIG", "STATE", "CACHE")}
        with subprocess.Popen(
            [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            assert server.stdout is not None
            port, token = server.stdout.readline().split()
            seen, memory, _ = asyncio.run(load(int(port), token, server.pid, given.clients, given.seconds))
            server.terminate()
    found = figures(seen, memory, given.clients, given.seconds)
    given.folder.mkdir(parents=True, exist_ok=True)
    write_atomic(given.folder / "service.json", json.dumps(found, indent=2) + "\n")
    plot(seen, memory, found, given.folder / "service.svg")
    print(json.dumps(found, indent=2))


LOAD_BEFORE = os.getloadavg()[0]

if __name__ == "__main__":
    main()
