"""Asks language models many questions: concurrently, resumably, with provenance, tokens and cost.

    endpoint = Endpoint("mistral-small", "http://127.0.0.1:8000/v1")
    with Journal(Path("answers.jsonl")) as journal:
        for answer in ask(questions, [endpoint], journal):
            ...

Any server with OpenAI's chat API will do. Every answer is in the journal before it is handed over; what an earlier run
has in it is not asked again. A question may ask for JSON by a schema: as structured output, else as a forced function
call, else in words, whichever the server takes. An answer that is not what was asked for is asked for again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from itertools import tee
from operator import methodcaller
from typing import Any

from finetune.journal import Journal
from finetune.service import Service, ServiceError, Stopped
from finetune.structured import CUT, MODES, body, content
from finetune.workers import HERE, Pool, Workers
from otto.errors import ConfigError, OttoError
from otto.network.openaiserver import OPENAI
from otto.prompt import Message

MALFORMED = 4
"""Answers of another form than asked for, after which a question is given up."""
HOPELESS = 5
"""Questions given up in a row after which an endpoint is."""
PROBES = 2
"""Attempts at a way of asking for JSON that may not exist there."""
_FOR_ALL = frozenset([401, 402, 403, 404, 405])
"""Refusals that every question would meet."""
_NOT_THIS_WAY = frozenset([400, 404, 405, 415, 422, 500, 501])
"""What servers answer that do not know a way to ask for JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How an endpoint may be used, and what it costs."""

    concurrency: int = 4
    requests_per_minute: float = 0.0
    """0: no limit."""
    seconds: float = 120.0
    """For one attempt."""
    attempts: int = 6
    """At one answer, while the server is busy or fails."""
    price_in: float = 0.0
    """Of a million tokens of questions, in whatever currency; 0: unknown or free."""
    price_out: float = 0.0
    """Of a million tokens of answers."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model on a server."""

    model: str
    address: str = OPENAI
    """Up to and with `/v1`."""
    name: str = ""
    """How its answers are marked; the model's unless given."""
    key: str = field(default="", repr=False)
    limits: Limits = Limits()
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Sent along: `temperature`, `max_tokens` …"""

    @property
    def label(self) -> str:
        return self.name or self.model


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    key: str
    """Its name in the journal; no two questions of a run share one."""
    messages: tuple[Message, ...]
    schema: Mapping[str, object] | None = None
    """JSON Schema of the answer; None: free text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, with its provenance."""

    key: str
    endpoint: str
    """The endpoint's label."""
    model: str
    """As the server calls it."""
    text: str
    """Of a question with a schema: JSON."""
    prompt_tokens: int = 0
    tokens: int = 0
    """Over all attempts that were answered."""
    cost: float = 0.0
    seconds: float = 0.0
    problem: str = ""
    """Why there is none. Such an answer is asked for again by the next run."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has cost, an earlier part of it included."""

    answers: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __str__(self) -> str:
        cost = f", cost {self.cost:.4f}" if self.cost else ""
        failed = f", {self.failures} without one" if self.failures else ""
        return f"{self.answers} answers{failed}, {self.prompt_tokens} tokens asked, {self.tokens} answered{cost}"


Check = Callable[[Question, str], str]
"""Why an answer is not what was asked for; empty when it is."""


def from_environment(
    model: str,
    limits: Limits = Limits(),
    parameters: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Endpoint:
    """The endpoint of `OPENAI_BASE_URL` (OpenAI's own without it) with `OPENAI_API_KEY`. Raises `ConfigError`."""
    address, key = environment.get("OPENAI_BASE_URL", ""), environment.get("OPENAI_API_KEY", "")
    if not model:
        raise ConfigError("which model is to be asked? Give its name with --model")
    if not address and not key:
        raise ConfigError(
            "there is no model to ask: set OPENAI_BASE_URL (any OpenAI-compatible server) or OPENAI_API_KEY"
        )
    return Endpoint(model, address or OPENAI, key=key, limits=limits, parameters=parameters or {})


def ask(
    questions: Iterable[Question],
    endpoints: Sequence[Endpoint],
    journal: Journal,
    check: Check | None = None,
    workers: Workers = HERE,
) -> Iterator[Answer]:
    """Every question's answer by every endpoint, in the order in which they come; what the journal has comes at once.

    No more is asked ahead than an endpoint's concurrency, so `questions` may be endless: close the iterator when there
    is enough. An endpoint that refuses everything is left out; when the others are done, that raises `ServiceError`.
    `workers` send the requests: an address on loopback is that of each worker's own machine.
    """
    known = answered(journal)
    with ExitStack() as stack:
        askers = [
            _Asker(endpoint, journal, check, stack.enter_context(_services(endpoint, workers)))
            for endpoint in endpoints
        ]
        for asker in askers:
            stack.callback(asker.close)
        waiting: dict[Future[Answer], _Asker] = {}
        todo = dict(zip(askers, tee(questions, len(askers)), strict=True))
        while True:
            for asker in askers:
                yield from asker.fill(todo[asker], waiting, known)
            if not waiting:
                break
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                asker = waiting.pop(future)
                if answer := asker.taken(future):
                    yield answer
    if troubles := [str(asker.trouble) for asker in askers if asker.trouble]:
        raise ServiceError("; ".join(troubles))


def answered(journal: Journal) -> dict[tuple[str, str], Answer]:
    """The answers in a journal by question and endpoint."""
    names = {each.name for each in fields(Answer)}
    found = (
        Answer(**{name: value for name, value in entry.items() if name in names})
        for entry in journal.entries
        if entry.get("kind") == "answer"
    )
    return {(answer.key, answer.endpoint): answer for answer in found}


def spent(journal: Journal) -> Spent:
    """What is in a journal, summed."""
    kinds = [entry.get("kind") for entry in journal.entries]
    rows = [entry for entry in journal.entries if entry.get("kind") in ("answer", "failure")]
    return Spent(
        kinds.count("answer"),
        kinds.count("failure"),
        sum(row["prompt_tokens"] for row in rows),
        sum(row["tokens"] for row in rows),
        sum(row["cost"] for row in rows),
    )


def _services(endpoint: Endpoint, workers: Workers) -> AbstractContextManager[Pool[Service]]:
    """Those who send the requests; together they keep the endpoint's limits."""
    limits = endpoint.limits
    make = partial(
        Service,
        endpoint.address,
        endpoint.key,
        seconds=limits.seconds,
        attempts=limits.attempts,
        per_minute=limits.requests_per_minute / workers.count,
    )
    return workers.keep(make, threads=limits.concurrency)


class _Asker:
    """One endpoint at work."""

    def __init__(self, endpoint: Endpoint, journal: Journal, check: Check | None, services: Pool[Service]) -> None:
        self.endpoint = endpoint
        self.trouble: OttoError | None = None
        """Why the endpoint is left out."""
        self._journal = journal
        self._check = check
        self._services = services
        self._pool = ThreadPoolExecutor(endpoint.limits.concurrency, thread_name_prefix=f"ask {endpoint.label}")
        self._running = 0
        self._mode = 0
        self._settled = False
        self._given_up = 0

    def fill(
        self,
        questions: Iterator[Question],
        waiting: dict[Future[Answer], _Asker],
        known: Mapping[tuple[str, str], Answer],
    ) -> Iterator[Answer]:
        """Asks ahead, as far as it may; the answers that are known on the way."""
        # The first question finds out how to ask; what would be asked beside it would be asked in vain.
        while self.trouble is None and self._running < (self.endpoint.limits.concurrency if self._settled else 1):
            question = next(questions, None)
            if question is None:
                return
            if answer := known.get((question.key, self.endpoint.label)):
                yield answer
            else:
                waiting[self._pool.submit(self._answer, question)] = self
                self._running += 1

    def taken(self, future: Future[Answer]) -> Answer | None:
        """What came of it; None where the whole endpoint is left out."""
        self._running -= 1
        try:
            answer = future.result()
        except (ServiceError, Stopped) as error:
            self.trouble = self.trouble or error
            return None
        self._given_up = self._given_up + 1 if answer.problem else 0
        self._settled = self._settled or not answer.problem
        if not self._settled:
            self._mode = 0  # it may have been the question
        if self._given_up >= HOPELESS:
            self.trouble = ServiceError(f"{self.endpoint.label}: {answer.problem}")
        return answer

    def close(self) -> None:
        """Lets what is being answered come in, for it is paid for; nothing waits to be asked again."""
        self._services.every(methodcaller("stop"))
        self._pool.shutdown(cancel_futures=True)

    def _answer(self, question: Question) -> Answer:
        """Asks until the answer is as wanted, and writes it down."""
        started = time.monotonic()
        used = [0, 0]
        problem = ""
        model = self.endpoint.model
        for _ in range(MALFORMED):
            try:
                reply = self._asked(question)
            except ServiceError as error:
                if error.status in _FOR_ALL or (not error.status and not self._settled):
                    raise
                problem = str(error)
                break
            usage = reply.get("usage") or {}
            used[0] += _whole(usage.get("prompt_tokens"))
            used[1] += _whole(usage.get("completion_tokens"))
            model = str(reply.get("model") or model)
            text, problem = content(reply, wants_json=question.schema is not None)
            problem = problem or (self._check(question, text) if self._check else "")
            if not problem:
                return self._noted(question, "answer", text, model, used, started)
            if question.schema is not None and not self._settled and problem != CUT:
                self._next_mode()
        return self._noted(question, "failure", "", model, used, started, problem)

    def _noted(
        self,
        question: Question,
        kind: str,
        text: str,
        model: str,
        used: Sequence[int],
        started: float,
        problem: str = "",
    ) -> Answer:
        limits = self.endpoint.limits
        cost = (used[0] * limits.price_in + used[1] * limits.price_out) / 1e6
        seconds = round(time.monotonic() - started, 3)
        answer = Answer(question.key, self.endpoint.label, model, text, used[0], used[1], cost, seconds, problem)
        self._journal.add({"kind": kind, **asdict(answer)})
        return answer

    def _asked(self, question: Question) -> Mapping[str, Any]:
        """One reply, in the way of asking for JSON that this server takes."""
        while True:
            mode, asked = self._mode, self.endpoint
            wanted = body(asked.model, question.messages, question.schema, MODES[mode], **asked.parameters)
            # Some servers fail (500) at what they do not know; patience is for ways that are known to work.
            attempts = PROBES if question.schema and not self._settled and mode + 1 < len(MODES) else 0
            try:
                reply = self._services.run(
                    methodcaller("send", "POST", "/chat/completions", json=wanted, attempts=attempts)
                )
            except ServiceError as error:
                refused = question.schema is not None and not self._settled and error.status in _NOT_THIS_WAY
                if refused and self._next_mode():
                    continue
                raise
            return reply if isinstance(reply, Mapping) else {}

    def _next_mode(self) -> bool:
        """Whether there is another way to ask. Only ever called while one question is asked at a time."""
        if self._mode + 1 < len(MODES):
            self._mode += 1
            return True
        return False


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
