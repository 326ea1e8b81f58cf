"""How long a piece of work keeps the processor, whatever else runs on the machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

RUNS = 5


def seconds(work: Callable[[], object], enough: float = 0.0) -> float:
    """Seconds of this thread's processor time, the least of up to five runs; no further run once one took less than
    `enough`.

    The garbage collector rests, as in `timeit`: else it goes through all that pytest holds, for 50 ms at a time, and
    that would be counted as the work's.
    """
    least = float("inf")
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(RUNS):
            started = time.thread_time()
            work()
            least = min(least, time.thread_time() - started)
            if least < enough:
                break
    finally:
        if collects:
            gc.enable()
    return least
