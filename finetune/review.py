"""A person looks at what was generated, in the terminal: keep, edit, drop, keep all the rest, quit and go on later.

review(run)     True when nothing is left to look at
"""

from __future__ import annotations

from collections.abc import Callable

from finetune.candidate import Candidate
from finetune.generate import Judged, Run
from otto.call import parse, write
from otto.errors import CallSyntaxError

KEYS = "[k]eep, [e]dit, [d]rop, keep [a]ll the rest, [q]uit"


def review(run: Run, ask: Callable[[str], str] = input, tell: Callable[[str], None] = print) -> bool:
    """Asks about each that nobody has looked at. Every answer is kept at once; False: the person stopped."""
    waiting = run.open
    for number, judged in enumerate(waiting, 1):
        tell(f"\n{number} of {len(waiting)}   {judged.candidate.text}\n         {write(judged.candidate.calls)}")
        try:
            while (answer := ask(f"{KEYS}: ").strip().lower()[:1]) not in ("", "k", "e", "d", "a", "q"):
                tell(f"one of: {KEYS}")
            if answer == "q":
                return False
            if answer == "a":
                for each in waiting[number - 1 :]:
                    run.review(each, "keep")
                return True
            if answer == "e":
                run.review(judged, "keep", _edited(run, judged, ask, tell))
            else:
                run.review(judged, "drop" if answer == "d" else "keep")
        except (EOFError, KeyboardInterrupt):
            tell("")
            return False
    return True


def _edited(run: Run, judged: Judged, ask: Callable[[str], str], tell: Callable[[str], None]) -> Candidate:
    """The candidate as the person writes it; an empty line leaves a part as it is."""
    candidate = judged.candidate
    while True:
        text = " ".join(ask("sentence (empty: as it is): ").split()) or candidate.text
        written = ask("call (empty: as it is): ").strip()
        try:
            changed = Candidate(text, parse(written) if written else candidate.calls)
        except CallSyntaxError as error:
            tell(str(error))
            continue
        if not (why := run.objection(changed)):
            return changed
        tell(why)
