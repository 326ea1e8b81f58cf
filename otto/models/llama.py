"""GGUF models through llama.cpp, in a process of their own: what crashes or hangs there costs an answer and not Otto.

    >>> model = Llama(Path("otto-tiny.gguf"))
    >>> model.write(Request("<s>User: lights on\\nAssistant:\\n", grammar=grammar(skills), end="</s>")).text
    'lights(state="on")'

The files are checked before that process opens them (`otto/models/verify.py`). Every request ends by its deadline, with
an answer or a `ModelError`; a process that ended, or had to be ended, is replaced in the background and has usually
loaded its model before the next request. What a prompt has in common with the one before is not evaluated again.

Needs the extra `llama`: pip install 'otto-assistant[llama]'
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from otto.errors import ModelError, ModelFileError, WorkerError
from otto.grammar import refuse_oversized
from otto.models.language import Request, Written
from otto.models.verify import verified
from otto.worker.child import Child

INSTALL = "pip install 'otto-assistant[llama]'"
CONTEXT = 4096
"""Tokens of prompt and answer where the settings do not say."""
MOST_THREADS = 8
SMALL = 100_000_000
"""Bytes of a model for which one thread is fastest: the others would wait more than they do."""
LOAD_SECONDS = 120.0
"""How long loading may take where somebody waits for it."""
_ANSWERING_SECONDS = 0.05  # kept of a deadline, for the answer to travel
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0  # before another try, when the process ends while it loads


class Llama:
    """A model that writes calls. One request at a time; others wait for it until their own deadline."""

    def __init__(
        self,
        model: Path,
        *,
        adapters: Sequence[Path] = (),
        context: int = CONTEXT,
        threads: int = 0,
        cache: Path | None = None,
        stretched: bool = False,
    ) -> None:
        """Checks the files and starts to load them; returns without waiting for that.

        `context`: tokens of prompt and answer together. `threads`: 0 chooses by the size of the model. `cache`: folder
        in which it is remembered that files are whole. `stretched`: allows a context longer than the model was trained
        on, which is no use but to measure. Raises `ModelFileError` with the command that mends it.
        """
        if importlib.util.find_spec("llama_cpp") is None:
            raise ModelFileError(f"GGUF models need llama.cpp; install it with: {INSTALL}")
        self.card = verified(model, cache)
        for adapter in adapters:
            verified(adapter, cache)
        self.name = f"llama:{model.name}"
        self.model = model
        self._load = {
            "job": "load",
            "model": str(model),
            "adapters": [str(adapter) for adapter in adapters],
            "context": context,
            "stretched": stretched,
            "threads": threads or _threads(model),
        }
        self._asking = threading.Lock()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._prompt = ""
        """The last one: what a process that follows another begins with."""
        self._running = _Running(self._load, self._prompt)
        threading.Thread(target=self._keep_running, name=f"{self.name} watcher", daemon=True).start()

    def write(self, request: Request) -> Written:
        """The answer. Raises `ModelError` by the request's deadline when there is none: not loaded yet, too late, the
        process ended, or the prompt does not fit. Never waits longer than that."""
        refuse_oversized(request.grammar)
        began = time.monotonic()
        deadline = began + request.deadline_seconds
        if not self._asking.acquire(timeout=max(0.0, request.deadline_seconds)):
            raise ModelError(f"{self.name} was busy with another request for {request.deadline_seconds:g} seconds")
        try:
            answer = self._answer(request, deadline)
        finally:
            self._asking.release()
        numbers = {
            "tokens": int(answer["tokens"]),
            "prompt_tokens": int(answer["prompt_tokens"]),
            "reused_tokens": int(answer["reused_tokens"]),
        }
        milliseconds = (time.monotonic() - began) * 1000
        return Written(str(answer["text"]), float(answer["log_probability"]), milliseconds=milliseconds, **numbers)

    def prepare(self, prompt: str) -> None:
        """Evaluates a prompt like the next one while nothing else is asked, so that the first answer is not late."""
        self._prompt = prompt
        self._running.child.tell({"job": "prepare", "prompt": prompt})

    def wait_loaded(self, seconds: float = LOAD_SECONDS) -> None:
        """Returns when the model is ready. Raises `ModelFileError` when llama.cpp cannot load it."""
        with self._asking:
            try:
                self._loaded(time.monotonic() + seconds)
            except ModelError as error:
                raise ModelFileError(f"{self.model}: {error}") from error

    def close(self) -> None:
        """Ends the process."""
        self._closing.set()
        with self._changed:
            self._running.child.close()
            self._changed.notify_all()

    def _answer(self, request: Request, deadline: float) -> Mapping[str, Any]:
        child = self._loaded(deadline)
        self._prompt = request.prompt
        seconds = deadline - time.monotonic()
        question = {
            "job": "write",
            "prompt": request.prompt,
            "grammar": request.grammar,
            "end": request.end,
            "most": request.most_tokens,
            "seconds": seconds - _ANSWERING_SECONDS,
        }
        try:
            child.tell(question)
            answer = child.answer(seconds)
        except WorkerError as error:
            raise ModelError(f"{self.name}: {error}") from error
        except BaseException:  # an interrupt, too: the answer that nobody waits for any more would be the next one's
            child.kill()
            raise
        if answer is None:  # it hangs; the watcher starts another
            child.kill()
            raise ModelError(f"{self.name} did not answer within {request.deadline_seconds:g} seconds")
        if "error" in answer:
            raise ModelError(f"{self.name}: {answer['error']}")
        return answer

    def _loaded(self, deadline: float) -> Child:
        """The process once it has loaded the model. Raises `ModelError`; a process that still loads is left alone."""
        running = self._alive(deadline)
        if not running.loaded:
            try:
                answer = running.child.answer(deadline - time.monotonic())
            except WorkerError as error:
                raise ModelError(f"{self.name}: {error} while it loaded the model") from error
            if answer is None:
                raise ModelError(f"{self.name} is still loading its model")
            running.loaded = True
            running.problem = str(answer.get("error", ""))
        if running.problem:
            raise ModelError(f"{self.name}: {running.problem}")
        return running.child

    def _alive(self, deadline: float) -> _Running:
        """The process, or the one that follows it where it has ended after it was loaded."""
        with self._changed:
            running = self._running
            if running.loaded and not running.child.alive:
                self._changed.wait_for(
                    lambda: self._running is not running or self._closing.is_set(), deadline - time.monotonic()
                )
            if self._closing.is_set():
                raise ModelError(f"{self.name} has been closed")
            return self._running

    def _keep_running(self) -> None:
        """The watcher's work: a process that has ended is followed by another, ever more slowly where it never gets
        as far as loading its model."""
        pause = 0.0
        while True:
            running = self._running
            running.child.wait()
            if running.loaded:
                pause = 0.0
            elif self._closing.wait(pause):
                return
            else:
                pause = min(max(pause * 2, _SHORTEST_PAUSE), _LONGEST_PAUSE)
            with self._changed:
                if self._closing.is_set():
                    return
                self._running = _Running(self._load, self._prompt)
                self._changed.notify_all()


class _Running:
    """One process, told to load the model as soon as it is there."""

    def __init__(self, load: Mapping[str, object], prompt: str) -> None:
        self.child = Child(0, "otto.models.llamachild")
        self.child.tell(load)
        if prompt:
            self.child.tell({"job": "prepare", "prompt": prompt})
        self.loaded = False
        """Whether it has said so."""
        self.problem = ""
        """Why it could not."""


def _threads(model: Path) -> int:
    if model.stat().st_size < SMALL:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)
