"""Commands of many clients, one at a time: one is carried out, two wait, and the next is told so at once.

    >>> turns = Turns(assistant, asker, metrics)
    >>> await turns.ask("set a timer for ten minutes")
    Answered(reply='The timer is set for 10 minutes.', …)
    >>> await turns.ask("open firefox")         # Answered(question='Shall I run runapp, firefox?', confirm='k3…', …)
    >>> await turns.confirm("k3…", yes=True)

What is risky is not begun: it waits as a question (`pending.py`) and in nobody's way. "Stop" and "cancel" overtake:
they end what is carried out and drop what waits. All of it is called from the event loop; threads do the work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from otto.answer import is_stop
from otto.asker import Asker
from otto.commandqueue import BUSY, DROPPED, WAITING, CommandQueue, Job, mode_of
from otto.errors import OttoError
from otto.service.conversations import Conversations
from otto.service.metrics import Metrics
from otto.service.pending import Pending
from otto.service.refusal import Refusal
from otto.service.schema import Answered, Routed, answered, routed
from otto.turn import Assistant, Turn, Understood

CANCELLED = "That is cancelled."
NOTHING = "There is nothing to cancel."
ROUTING = 8
"""Sentences that may wait to be understood and nothing more (`/api/route`)."""

_T = TypeVar("_T")


class Turns:
    """The queue before one assistant."""

    def __init__(
        self, otto: Assistant, asker: Asker, metrics: Metrics, done: Callable[[], None] = lambda: None
    ) -> None:
        """`done`: called after each command that was carried out, from its thread."""
        self.commands = CommandQueue(cancel=otto.cancel)
        self.conversations = Conversations()
        self.pending = Pending()
        self._otto = otto
        self._asker = asker
        self._metrics = metrics
        self._done = done
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="turns")
        self._interruptions = 0
        self._routing = 0
        self._taken = 0

    @property
    def waiting(self) -> int:
        """Commands that were let in and are not answered yet."""
        return self._taken

    async def route(self, text: str, conversation: str = "") -> Routed:
        """What `text` means. Raises `Refusal`, `UtteranceError`."""
        if self._routing >= ROUTING:
            raise self._busy("route")
        self._routing += 1
        try:
            understood = await self._understood(text, conversation)
        finally:
            self._routing -= 1
        self._metrics.stage("route", understood.timings_ms["route"])
        return Routed(**routed(understood.text, understood.route, understood.timings_ms))

    async def ask(self, text: str, *, conversation: str = "", dry_run: bool = False, question_id: str = "") -> Answered:
        """Carries out what `text` means, or asks whether to. Raises `Refusal` when too much waits, `UtteranceError`."""
        if is_stop(text) and not dry_run:
            return await self._stopped(await self._understood(text, conversation))
        return await self._admitted(lambda: self._asked(text, conversation, dry_run, question_id))

    async def carry_out(self, understood: Understood) -> Answered:
        """The same for what is understood already."""
        if _is_stop(understood):
            return await self._stopped(understood)
        return await self._admitted(lambda: self._considered(understood, False, ""))

    async def confirm(self, id: str, *, yes: bool) -> Answered:
        """Does, or does not, what was asked about. Raises `Refusal` for a question that is over."""
        asked = self.pending.take(id)
        if asked is None:
            self._metrics.question("late")
            raise Refusal(404, "That question is over, or was never asked: say the command again.")
        self._metrics.question("yes" if yes else "no")
        try:
            return await self._admitted(lambda: self._finished(asked.understood, yes=yes))
        except Refusal:
            self.pending.restore(asked)  # a yes that found no room does not cost the question
            raise

    def interrupt(self) -> bool:
        """Ends what is carried out and drops what waits. Whether there was anything."""
        self._interruptions += 1
        busy = not self.commands.idle
        self.commands.clear()
        self._otto.cancel()
        return busy

    def close(self, seconds: float) -> bool:
        """What is carried out may take `seconds` more. Whether it ended in time."""
        ended = self.commands.close(seconds)
        if not ended:
            self._otto.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        return ended

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """What waits for a disk or a processor, out of the event loop's way."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _admitted(self, work: Callable[[], Awaitable[Answered]]) -> Answered:
        if self._taken > WAITING:
            raise self._busy("ask")
        self._taken += 1
        try:
            return await work()
        finally:
            self._taken -= 1

    async def _asked(self, text: str, conversation: str, dry_run: bool, question_id: str) -> Answered:
        before = self._interruptions
        understood = await self._understood(text, conversation)
        if _is_stop(understood) and not dry_run:
            return await self._stopped(understood)
        if before != self._interruptions:
            raise Refusal(409, DROPPED)  # it was not in the queue yet when somebody said "stop"
        return await self._considered(understood, dry_run, question_id)

    async def _considered(self, understood: Understood, dry_run: bool, question_id: str) -> Answered:
        snapshot, calls = understood.ready.snapshot, understood.route.calls
        risky = self._otto.dispatcher.risky(calls, snapshot, self._otto.clock.now())
        if risky and not (dry_run or understood.asked or understood.route.rejected):
            asked = self.pending.add(understood, risky, question_id)
            self._metrics.question("asked")
            fields = routed(understood.text, understood.route, understood.timings_ms)
            return Answered(
                **fields, reply=asked.question, ok=False, results=[], id=0, question=asked.question, confirm=asked.id
            )
        return await self._finished(understood, yes=False, dry_run=dry_run)

    async def _finished(self, understood: Understood, *, yes: bool, dry_run: bool = False) -> Answered:
        """In its turn in the queue. Raises `Refusal` when a "stop" dropped it, or there was no room after all."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Turn] = loop.create_future()

        def run() -> None:
            try:
                turn = self._carried_out(understood, yes, dry_run)
            except OttoError as error:
                _settle(loop, future, error)
            else:
                _settle(loop, future, turn)

        skill = understood.route.calls[0].name
        mode = mode_of(self._otto.settings, skill)
        if not self.commands.put(Job(run, lambda: _settle(loop, future, Refusal(409, DROPPED)), skill, mode)):
            raise self._busy("ask")
        return answered(await future)

    def _carried_out(self, understood: Understood, yes: bool, dry_run: bool = False) -> Turn:
        with self._asker.through(lambda question: yes):
            turn = self._otto.carry_out(understood, dry_run=dry_run)
        self._metrics.turn(turn)
        self._done()
        return turn

    async def _stopped(self, understood: Understood) -> Answered:
        """Overtakes everything."""
        interrupted = self.interrupt()
        if _is_stop(understood):
            return answered(await self.in_thread(lambda: self._carried_out(understood, yes=False)))
        fields = routed(understood.text, understood.route, understood.timings_ms)
        return Answered(**fields, reply=CANCELLED if interrupted else NOTHING, ok=True, results=[], id=0)

    async def _understood(self, text: str, conversation: str) -> Understood:
        talk = self.conversations.of(conversation)
        understood = await self.in_thread(lambda: self._otto.understand(text, talk))
        self._metrics.route(understood.route)
        return understood

    def _busy(self, what: str) -> Refusal:
        self._metrics.busy(what)
        return Refusal(503, BUSY, retry_seconds=1)


def _is_stop(understood: Understood) -> bool:
    return all(call.name == "stop" for call in understood.route.calls)


def _settle(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Turn], outcome: Turn | OttoError) -> None:
    """From any thread."""

    def tell() -> None:
        if future.done():
            return
        if isinstance(outcome, OttoError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(tell)
