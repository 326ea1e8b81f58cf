"""How the bundled skills do on `tests/data/commands.jsonl`, sentences that nothing was trained on.

    python benchmarks/commands.py            a table
    python benchmarks/commands.py --json     one JSON object

Only totals: whoever looks at single rows to mend them has no test set any more.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from otto.bench.score import calibration_error
from otto.call import OTHER, parse
from otto.config import Folders, bundled, load
from otto.registry.live import Live
from otto.route import Context
from otto.skill import same_calls

ROWS = Path(__file__).resolve().parent.parent / "tests" / "data" / "commands.jsonl"
NOW = datetime(2026, 3, 4, 12, tzinfo=ZoneInfo("Europe/Berlin"))


def main() -> None:
    """Trains, or takes the trained router from the cache, and scores."""
    live = Live(load(), Folders((bundled("examples"),), (bundled("skills"),)))
    skills = {name: entry.skill for name, entry in live.ready.snapshot.skills.items()}
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    routes = [live.ready.router.route(row["text"], Context(NOW)) for row in rows]
    wanted = [parse(row["call"]) for row in rows]
    live.close()
    right = [same_calls(calls, route.calls, skills, NOW) for calls, route in zip(wanted, routes, strict=True)]
    outside = [route for calls, route in zip(wanted, routes, strict=True) if calls[0].name == OTHER]
    inside = [(calls, route) for calls, route in zip(wanted, routes, strict=True) if calls[0].name != OTHER]
    figures = {
        "rows": len(rows),
        "exact_typed": sum(right) / len(right),
        "skill_accuracy": sum(calls[0].name == route.calls[0].name for calls, route in inside) / len(inside),
        "out_of_scope_recall": sum(route.rejected for route in outside) / len(outside),
        "out_of_scope_to_risky": sum(
            call.name != OTHER and skills[call.name].risk == "confirm" for route in outside for call in route.calls
        ),
        "calibration_error": calibration_error([route.confidence for route in routes], right),
    }
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value:.4f}" if isinstance(value, float) else f"{name:22} {value}")


if __name__ == "__main__":
    main()
