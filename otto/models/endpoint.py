"""Any OpenAI-compatible server as a language model for Otto: OpenAI, Mistral, Ollama, llama-server, vLLM.

    model = EndpointModel("qwen3-4b", base_url="http://localhost:8000/v1", style="chat")
    model.write(request).text

Three styles: `tools` hands over the skills as JSON Schema and takes native tool calls; `chat` sends the prompt as
messages and takes text; `text` sends the prompt in Otto's own framing, for a model that was trained on just that.
Whatever a server refuses (log-probabilities, a grammar) is left out from then on. Busy, broken and unreachable servers
are asked again with growing pauses, within the deadline. The key is taken from `OTTO_ROUTER_KEY`, or, where
`OPENAI_BASE_URL` says which server, from `OPENAI_API_KEY`; it stands in no error and no log.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from otto.chat import THOUGHT
from otto.errors import ConfigError, FetchError, ModelError
from otto.log import hide
from otto.models.language import Request, Written
from otto.models.tools import calls_in, tool
from otto.network.openaiserver import OPENAI, client, reach, usable
from otto.prompt import Message, prompt

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI, OpenAIError

Style = Literal["tools", "chat", "text"]

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.25
"""Before the second attempt; twice as long before the third. A server's own `Retry-After` counts instead."""
LEAST_SECONDS = 0.05
_AGAIN = (408, 409, 425, 429)  # and everything from 500 on
_REFUSED = (400, 422)  # an option that the server does not know, or else one that it names
OPTIONAL = frozenset({"logprobs", "grammar", "temperature", "max_tokens", "add_special_tokens"})
"""What not every server knows; asked for until it is refused."""


@dataclass(slots=True)
class Usage:
    """What a server has been asked so far."""

    requests: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    cost: float = 0.0


class EndpointModel:
    """Keeps the `LanguageModel` protocol."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str = "",
        style: Style = "tools",
        price_in: float = 0.0,
        price_out: float = 0.0,
        attempts: int = ATTEMPTS,
    ) -> None:
        """`base_url`: with its `/v1`; empty: `OPENAI_BASE_URL`, or OpenAI's own where there is a key for it.
        Prices are for a million tokens. Raises `ConfigError` where no model or no server is named."""
        named = base_url or os.environ.get("OPENAI_BASE_URL", "")
        self._key = _key(base_url)
        if not model:
            raise ConfigError("which model the server shall use is not set: router_endpoint_model")
        if not named and not self._key:
            raise ConfigError("no server is set: router_endpoint, OPENAI_BASE_URL, or OPENAI_API_KEY for OpenAI's")
        if not usable(named or OPENAI):
            raise ConfigError("router_endpoint must be an address such as http://localhost:8000/v1, without a password")
        self.model, self.style, self.attempts = model, style, attempts
        self.base_url = named or OPENAI
        self.usage = Usage()
        self._prices = price_in / 1e6, price_out / 1e6
        self._local = bool(named)
        self._left_out: frozenset[str] = frozenset()  # what the server has refused
        import openai  # noqa: F401  it takes a second, which the first sentence does not have

    @property
    def name(self) -> str:
        """`openai:qwen3-4b`."""
        return f"openai:{self.model}"

    def write(self, request: Request) -> Written:
        """The answer. Raises `ModelError`, with a sentence that holds nothing of what the server said."""
        started = time.monotonic()
        deadline = started + request.deadline_seconds
        for attempt in range(self.attempts):
            left = deadline - time.monotonic()
            if left < LEAST_SECONDS:
                raise ModelError(f"{self.name} was too slow: {request.deadline_seconds:.1f} s were not enough")
            try:
                answer = self._asked(request, left)
                return self._told(answer, request, started)
            except _Fault as fault:
                pause = fault.pause if fault.pause is not None else FIRST_PAUSE_SECONDS * 2**attempt
                pause *= 1 + 0.25 * random.random()  # noqa: S311  so that not all clients come back at once
                last = attempt == self.attempts - 1
                if not fault.again or last or time.monotonic() + pause + LEAST_SECONDS > deadline:
                    raise ModelError(f"{self.name} {fault}") from None  # servers repeat the key in their complaint
                time.sleep(pause)
        raise AssertionError  # the last attempt returns or raises

    def close(self) -> None:
        """Nothing is kept open."""

    def _asked(self, request: Request, seconds: float) -> object:
        """One attempt, at once repeated without what the server refuses."""
        import openai

        from otto.network.fetch import transport

        server = client(self.base_url, self._key, transport(**reach(self.base_url), seconds=seconds))
        try:
            while True:
                try:
                    return self._create(server, request)
                except openai.APIStatusError as error:
                    refused = _refused(error) - self._left_out
                    if not refused:
                        raise
                    self._left_out |= refused
        except openai.OpenAIError as error:
            raise _fault(error) from None
        except ValueError:  # what the library's own reading of the answer raises
            raise _Fault("answered with something that cannot be read", again=True) from None
        finally:
            server.close()

    def _create(self, server: OpenAI, request: Request) -> object:
        options: dict[str, Any] = {"max_tokens": request.most_tokens, "temperature": 0}
        options["logprobs"] = 1 if self.style == "text" else True
        body: dict[str, Any] = {}
        if request.grammar and self._local and self.style != "tools":
            body["grammar"] = request.grammar  # llama.cpp's servers; others pass over it or refuse
        if self.style == "text":
            body["add_special_tokens"] = False  # vLLM: they stand in the prompt
        options = {name: value for name, value in options.items() if name not in self._left_out}
        body = {name: value for name, value in body.items() if name not in self._left_out}
        if self.style == "text":
            stop = [request.end] if request.end else None
            return server.completions.create(
                model=self.model, prompt=request.prompt, stop=stop, extra_body=body, **options
            )
        if self.style == "tools":
            options["tools"] = [{"type": "function", "function": tool(skill)} for skill in request.skills]
        return server.chat.completions.create(
            model=self.model, messages=_messages(request, self.style), extra_body=body, **options
        )

    def _told(self, answer: object, request: Request, started: float) -> Written:
        choice = _first(getattr(answer, "choices", None))
        if choice is None:
            raise _Fault("answered without a choice", again=True)
        text = _text(choice, self.style)
        usage = getattr(answer, "usage", None)
        asked, wrote = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        reused = _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens")
        cost = asked * self._prices[0] + wrote * self._prices[1]
        self.usage.requests += 1
        self.usage.prompt_tokens += asked
        self.usage.tokens += wrote
        self.usage.cost += cost
        milliseconds = 1000 * (time.monotonic() - started)
        return Written(text, _log_probability(choice), wrote, asked, reused, milliseconds, cost)


class _Fault(Exception):
    """An attempt that failed."""

    def __init__(self, sentence: str, *, again: bool, pause: float | None = None) -> None:
        """`again`: another attempt may help; `pause`: seconds that the server wants to be left alone."""
        self.again = again
        self.pause = pause
        super().__init__(sentence)


def _messages(request: Request, style: Style) -> list[Any]:
    messages = request.messages
    if style == "tools":
        messages = (Message("system", prompt("tools")), *(each for each in messages if each.role != "system"))
    return [{"role": message.role, "content": message.text} for message in messages]


def _text(choice: object, style: Style) -> str:
    """Calls as Otto writes them, or what the model wrote."""
    if style == "text":
        text = getattr(choice, "text", None)
        return text if isinstance(text, str) else ""
    message = getattr(choice, "message", None)
    content = getattr(message, "content", None)
    said = THOUGHT.sub("", content).strip() if isinstance(content, str) else ""
    return said if style == "chat" else calls_in(getattr(message, "tool_calls", None), said)


def _log_probability(choice: object) -> float:
    """Summed over the tokens of the answer; 0 where the server does not tell."""
    told = getattr(choice, "logprobs", None)
    tokens = getattr(told, "content", None)
    if isinstance(tokens, list):
        values: Sequence[object] = [getattr(token, "logprob", None) for token in tokens]
    else:
        values = getattr(told, "token_logprobs", None) or []
    return float(sum(value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)))


def _first(choices: object) -> object:
    return choices[0] if isinstance(choices, list) and choices else None


def _count(usage: object, name: str) -> int:
    found = getattr(usage, name, 0)
    return found if isinstance(found, int) else 0


def _refused(error: APIStatusError) -> frozenset[str]:
    """The options that a server complains of; all, where it only says that something is wrong."""
    if error.status_code not in _REFUSED and error.status_code < 500:
        return frozenset()
    complaint = str(error.body)
    named = frozenset(name for name in OPTIONAL if name in complaint)
    return named or (OPTIONAL if error.status_code in _REFUSED else named)


def _fault(error: OpenAIError) -> _Fault:
    import openai

    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        slow = isinstance(cause, FetchError) and "too long" in str(cause)
        return _Fault("was too slow" if slow else "could not be reached", again=not slow)
    status = getattr(error, "status_code", 0)
    if not isinstance(status, int) or not status:
        return _Fault("answered with something that cannot be read", again=True)
    if status in (401, 403):
        return _Fault("refused the key: check OTTO_ROUTER_KEY or OPENAI_API_KEY", again=False)
    if status == 404:
        return _Fault("is not there: check router_endpoint and router_endpoint_model", again=False)
    if status == 429:
        return _Fault("has too much to do, or the key's limit is used up", again=True, pause=_pause(error))
    return _Fault(f"answered with error {status}", again=status in _AGAIN or status >= 500, pause=_pause(error))


def _pause(error: OpenAIError) -> float | None:
    """The seconds of a `Retry-After` header."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def _key(base_url: str) -> str:
    """A key is only shown to the server that it is for."""
    own = os.environ.get("OTTO_ROUTER_KEY", "")
    if not own and base_url in ("", os.environ.get("OPENAI_BASE_URL", "")):
        own = os.environ.get("OPENAI_API_KEY", "")
    hide(own)
    return own
