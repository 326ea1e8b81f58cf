"""Speech that comes five times as fast as skills finish (docs/reliability.md 5.4), through a whole daemon."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from otto.commandqueue import BUSY, DROPPED
from tests.house import HANGOVER, SENTENCES, STOP, THINGS, House, family, gone, listening


def resident_mb() -> float:
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


@pytest.mark.parametrize(
    ("minutes", "speed"), [(0.05, 3.0), pytest.param(5.0, 1.0, marks=pytest.mark.nightly)], ids=["seconds", "minutes"]
)
def test_five_times_too_much_is_answered_or_refused_aloud(own_folders: Path, minutes: float, speed: float) -> None:
    with listening(own_folders, speed) as house:
        for thing in THINGS[:4]:
            house.say(f"otto build the old {thing}")
        before, most, said = resident_mb(), 0, 4
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            house.say(SENTENCES[said % len(THINGS)])
            said += 1
            most = max(most, house.daemon.commands.waiting)
        growth = resident_mb() - before
        said += two_wait(house)
        programs = [each for each in family(os.getpid()) if Path(f"/proc/{each}/comm").read_text() == "sleep\n"]
        house.say(STOP)
        while house.answered <= said:
            assert time.monotonic() < until + 60, f"{said + 1 - house.answered} of {said + 1} were lost in silence"
            time.sleep(0.05)
        assert house.daemon.commands.wait_idle(5)
        assert len(programs) == 1 and gone(programs[0]), "what was under way ends with its command"
    notebook, spoken = house.audience, house.speaker.said
    refused = [sentence for _, sentence in notebook.refusals]
    stopped = notebook.refused_at[refused.index(DROPPED)] - notebook.utterances[-1].spoken_until
    done = [turn for turn in notebook.turns if turn.ok]
    print(
        f"{said} commands: {len(notebook.turns)} answered, {refused.count(BUSY)} told that Otto is busy, "
        f"{refused.count(DROPPED)} dropped by a stop, after {1000 * stopped:.0f} ms; at most {most} waited; "
        f"{growth:+.1f} MB"
    )
    assert len(notebook.turns) + len(notebook.refusals) == said + 1
    assert most <= 2 and growth < 20
    assert refused.count(DROPPED) == 2
    assert refused.count(BUSY) > 0.4 * said
    assert spoken.count(BUSY) == refused.count(BUSY)
    assert [text for text in spoken if text != BUSY] == [turn.reply.text for turn in done]
    assert speed != 1.0 or stopped < HANGOVER + 0.3


def two_wait(house: House) -> int:
    """Has one command just begun, and two wait behind it. How many were said for that."""
    done, said = len(house.audience.turns), 0
    while len(house.audience.turns) == done:
        time.sleep(0.01)
    while house.daemon.commands.waiting < 2:
        house.say(SENTENCES[0])
        said += 1
    return said
