"""The daemon: one process that listens, answers on a socket, and rings.

    otto daemon run                         # in the foreground, until Ctrl-C or SIGTERM

Requests are one JSON object a line (`otto/daemon/unixsocket.py`), answered in order:

    {"do": "ask", "text": "…", "dry_run": false}    what `otto ask --json` prints; before it perhaps {"question": "…"},
                                                    to which {"yes": true} is the answer
    {"do": "begin"} {"do": "end"}                   push to talk
    {"do": "cancel"}                                silence, and nothing more of what was asked for
    {"do": "status"} {"do": "shutdown"}

A line that is no request is answered with {"error": "…"}; one that is too long also ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from otto.announce import Desktop, sentence
from otto.asker import Asker
from otto.call import OTHER
from otto.commandqueue import BUSY, DROPPED, CommandQueue, Job, mode_of
from otto.config import Folders, Settings
from otto.conversation import Conversation
from otto.daemon.unixsocket import MAX_LINE, DaemonError, LineError, bind, line, parse, socket_path, unlink
from otto.errors import OttoError
from otto.lock import FileLock
from otto.ringer import Ringer
from otto.store import Alert
from otto.turn import Assistant, Turn, Understood
from otto.voice.loop import VoiceLoop

log = logging.getLogger(__name__)

LISTENING_SECONDS = 0.5
FINISH_SECONDS = 3.0
STORE_SECONDS = 1.0
CHILDREN_SECONDS = 0.5
STOP_SECONDS = LISTENING_SECONDS + FINISH_SECONDS + STORE_SECONDS + CHILDREN_SECONDS
"""What stopping takes at most; the unit file grants more."""
MAX_CONNECTIONS = 200
QUESTION_SECONDS = 60.0
"""How long a client may take to answer a question."""
SEND_SECONDS = 5.0
"""How long a client may take to read an answer."""

Answer = dict[str, object]
MakeVoice = Callable[["Daemon"], VoiceLoop]


class Daemon:
    """One daemon. `run` returns when it was told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        where: Folders | None = None,
        voice: MakeVoice | None = None,
        path: Path | None = None,
        announce: Callable[[Alert, bool], None] | None = None,
    ) -> None:
        """`voice` makes the voice loop, None: it does not listen. `path`: of the socket. `announce`: what tells alerts.
        Raises `DaemonError` when a daemon is running already."""
        self.settings = settings
        self.asker = Asker()
        self.commands = CommandQueue(cancel=lambda: self.otto.cancel())
        self.conversation = Conversation()
        """What is said on the socket, by whichever command of its owner; the voice loop has one of its own."""
        self.trouble = ""
        """Why it does not listen; empty when it does, or was not meant to."""
        self.handled = 0
        self.voice: VoiceLoop | None = None
        self._listening: threading.Thread | None = None
        self._path = path or socket_path()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(self._path.with_suffix(".lock"))
        if not self._lock.take():
            raise DaemonError("A daemon is running already: otto daemon status")
        self._socket = bind(self._path)
        self.otto = Assistant(settings, self.asker.ask, where=where)
        self._make_voice = voice
        self._announce = announce or Desktop()
        self._ringer = Ringer(self.otto.store, self._ring, self.otto.clock)
        self._started = time.monotonic()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="request")
        self._stopping: asyncio.Event | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Until SIGTERM, Ctrl-C or `shutdown`; then `leave` ends the process. `ready` is called when requests are
        answered."""
        asyncio.run(self._run(ready))

    async def _run(self, ready: Callable[[], None]) -> None:
        self._stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._signalled)
        server = await asyncio.start_unix_server(self._connected, sock=self._socket, limit=MAX_LINE)
        try:
            self._ringer.start()
            self._start_voice()
            if self.voice is None:  # else the voice loop follows the skills, too
                self.otto.live.watch()
            ready()
            await self._stopping.wait()
        finally:
            server.close()
            await self._stop()

    def stop(self) -> None:
        """Ends `run`; from its own thread."""
        if self._stopping:
            self._stopping.set()

    def _signalled(self) -> None:
        if self._stopping and self._stopping.is_set():
            os._exit(130)  # asked twice: at once
        self.stop()

    def _start_voice(self) -> None:
        if self._make_voice is None:
            return
        try:
            self.voice = self._make_voice(self)
        except OttoError as error:
            self.trouble = str(error)
            log.warning("not listening: %s", error)
            return
        self._listening = threading.Thread(target=self.voice.run, name="voice loop", daemon=True)
        self._listening.start()

    def _ring(self, alert: Alert, missed: bool) -> None:
        if self.voice:
            self.voice.say(sentence(alert, missed=missed, now=self.otto.clock.now()))
        try:
            self._announce(alert, missed)
        except OSError:
            if not (self.voice and self.voice.can_speak):
                raise

    async def _stop(self) -> None:
        """Each stage has its limit; when all are up the process ends, whatever still hangs."""
        watchdog = threading.Timer(STOP_SECONDS, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()
        if self.voice:
            self.voice.stop()
            self.voice.ears.stop(LISTENING_SECONDS)
        in_thread = asyncio.get_running_loop().run_in_executor
        if not await in_thread(None, self.commands.close, FINISH_SECONDS):
            self.otto.cancel()
            await in_thread(None, self.commands.close, CHILDREN_SECONDS)
        if self._listening:
            await in_thread(None, self._listening.join, CHILDREN_SECONDS)
        await asyncio.sleep(0.05)  # what was finished is still answered
        for task in self._connections:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._ringer.stop(STORE_SECONDS)
        self.otto.close()
        unlink(self._path, self._socket)
        self._lock.release()
        watchdog.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if len(self._connections) <= MAX_CONNECTIONS:
                await _Conversation(reader, writer, self._answer).hold()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the other side is gone, or we are going
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, entry: Mapping[str, object], ask: Callable[[str], Awaitable[bool]]) -> Answer:
        match entry.get("do"):
            case "ask":
                return await self._ask(entry, ask)
            case "status":
                return self.status()
            case "begin" | "end" | "cancel" as verb:
                return self._push(str(verb))
            case "shutdown":
                self.stop()
                return {"ok": True}
        return {"error": "do must be one of ask, begin, end, cancel, status, shutdown"}

    def status(self) -> Answer:
        """What `otto daemon status` shows."""
        settings, ready = self.settings, self.otto.live.ready
        return {
            "pid": os.getpid(),
            "seconds": round(time.monotonic() - self._started, 1),
            "skills": sum(name != OTHER for name in ready.snapshot.skills),
            "router": ready.router.name,
            "listening": self.voice is not None and not self.voice.trouble,
            "trouble": self.trouble or (self.voice.trouble if self.voice else "") or self.otto.store.trouble,
            "attention": settings.attention if self.voice else "",
            "stt": self.voice.hearer.engine.name if self.voice else "",
            "waiting": self.commands.waiting,
            "handled": self.handled + (self.voice.handled if self.voice else 0),
        }

    def _push(self, verb: str) -> Answer:
        if verb == "cancel":
            return {"ok": True, "interrupted": self._interrupt()}
        if self.voice is None:
            return {"error": self.trouble or "This daemon does not listen; see: otto daemon status"}
        if verb == "begin":
            self.voice.begin()
        else:
            self.voice.end()
        return {"ok": True}

    def _interrupt(self) -> bool:
        if self.voice:
            self.voice.ears.cancel()
            return self.voice.interrupt()
        busy = not self.commands.idle
        self.commands.clear()
        self.otto.cancel()
        return busy

    async def _ask(self, entry: Mapping[str, object], ask: Callable[[str], Awaitable[bool]]) -> Answer:
        text, dry_run = entry.get("text"), entry.get("dry_run", False)
        if not isinstance(text, str) or not isinstance(dry_run, bool):
            return {"error": "ask needs text, and dry_run can only be true or false"}
        loop = asyncio.get_running_loop()
        try:
            understood = await loop.run_in_executor(self._threads, self.otto.understand, text, self.conversation)
        except OttoError as error:
            return {"text": text, "calls": [], "error": str(error), "reply": str(error)}
        request = _Request(understood, dry_run, loop, loop.create_future(), ask)
        if all(call.name == "stop" for call in understood.route.calls) and not dry_run:
            self._interrupt()
            return await loop.run_in_executor(self._threads, self._carried_out, request)
        skill = understood.route.calls[0].name
        drop = partial(request.done, _refusal(request, DROPPED))
        if not self.commands.put(Job(partial(self._do, request), drop, skill, mode_of(self.settings, skill))):
            return _refusal(request, BUSY)
        return await request.answer

    def _do(self, request: _Request) -> None:
        """In the command queue's thread."""
        try:
            request.done(self._carried_out(request))
        except OttoError as error:
            request.done(_refusal(request, str(error)))

    def _carried_out(self, request: _Request) -> Answer:
        with self.asker.through(request.confirm):
            turn: Turn = self.otto.carry_out(request.understood, dry_run=request.dry_run)
        self.handled += 1
        self._ringer.wake()
        return {**turn.to_json(), "ok": turn.ok, "rejected": turn.route.rejected}


@dataclass(frozen=True, slots=True)
class _Request:
    """An `ask` on its way through the command queue."""

    understood: Understood
    dry_run: bool
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Answer]
    ask: Callable[[str], Awaitable[bool]]

    def done(self, answer: Answer) -> None:
        """From any thread."""

        def tell() -> None:
            if not self.answer.done():
                self.answer.set_result(answer)

        with contextlib.suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(tell)

    def confirm(self, question: str) -> bool:
        """From the command queue's thread: the client's answer; silence is a no."""

        async def asked() -> bool:
            return await self.ask(question)

        try:
            return asyncio.run_coroutine_threadsafe(asked(), self.loop).result(QUESTION_SECONDS)
        except (TimeoutError, OSError, RuntimeError, LineError, asyncio.CancelledError):
            return False


def _refusal(request: _Request, sentence: str) -> Answer:
    return {"text": request.understood.text, "calls": [], "error": sentence, "reply": sentence, "ok": False}


class _Conversation:
    """One connection: a line in, a line out."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Callable[[Mapping[str, object], Callable[[str], Awaitable[bool]]], Awaitable[Answer]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer

    async def hold(self) -> None:
        while True:
            try:
                entry = await self._read()
                if entry is None:
                    return
                await self._write(await self._answer(entry, self._ask))
            except LineError as error:
                await self._write({"error": str(error)})
                if error.fatal:
                    return

    async def _ask(self, question: str) -> bool:
        await self._write({"question": question})
        entry = await self._read()
        return entry is not None and entry.get("yes") is True

    async def _read(self) -> dict[str, object] | None:
        try:
            received = await self._reader.readline()
        except ValueError:
            raise LineError(f"a line may have at most {MAX_LINE:,} bytes", fatal=True) from None
        return parse(received) if received.endswith(b"\n") else None

    async def _write(self, answer: Mapping[str, object]) -> None:
        self._writer.write(line(answer))
        await asyncio.wait_for(self._writer.drain(), SEND_SECONDS)
