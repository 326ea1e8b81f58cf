"""One thing that the service can be asked for: its path, what it takes, what it answers, and how much it reads.

    Operation("POST", "/api/route", "What a sentence means", route, takes=Sentence, answers=Routed)

Everything that has to agree is made from this: the route, the checks before anything is read (`guard.py`), the reading
of the request, and the OpenAPI description (`description.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from otto.service.refusal import Refusal

JSON = ("application/json",)
FORM = ("multipart/form-data",)
EVENTS = "text/event-stream"
SOUND = ("audio/wav", "audio/x-wav", "audio/wave", "audio/flac", "audio/x-flac", "audio/ogg")
JSON_BYTES = 65_536
"""Largest body of JSON."""
SOUND_BYTES = 8 << 20
"""Largest recording: 15 s in stereo at 96 kHz with 24 bits, and some."""


@dataclass(frozen=True, slots=True)
class Given:
    """A request that has passed every check."""

    request: Request
    body: Any = None
    """An instance of `Operation.takes`; None where it takes none."""
    query: Any = None
    """An instance of `Operation.query`."""


Answer = BaseModel | Response
NAME = "otto.operation"
"""Where the scope of a request holds the name of its operation."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    run: Callable[[Given], Awaitable[Answer]]
    takes: type[BaseModel] | None = None
    """Shape of the JSON body."""
    query: type[BaseModel] | None = None
    """Shape of what stands after the question mark."""
    answers: type[BaseModel] | None = None
    """Shape of the JSON answer; None: `answers_media`."""
    answers_media: tuple[str, ...] = ("application/json",)
    media: tuple[str, ...] = JSON
    """Content types of the body that it reads."""
    most_bytes: int = JSON_BYTES
    form: type[BaseModel] | None = None
    """Shape of a form's fields, for the description; `run` reads the form itself."""
    refusals: tuple[int, ...] = ()
    """Statuses beside those that every operation may answer."""
    public: bool = False
    """Whether it is answered without a token: nothing private may be in it."""
    failure: type[BaseModel] | None = None
    """Shape of a refusal, where it is not the usual one."""
    tag: str = "otto"

    @property
    def name(self) -> str:
        """Such as "post_api_route": in the description, and in the metrics."""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace(".", "_").replace("/", "_")
        return f"{self.method.lower()}_{words}"

    def route(self) -> Route:
        """What the router needs."""
        return Route(self.path, self._answer, methods=[self.method], name=self.name)

    async def _answer(self, request: Request) -> Response:
        request.scope[NAME] = self.name
        given = Given(request, await self._body(request), self._query(request))
        answer = await self.run(given)
        if isinstance(answer, Response):
            return answer
        return JSONResponse(answer.model_dump(mode="json"))

    async def _body(self, request: Request) -> BaseModel | None:
        if self.takes is None:
            return None
        try:
            return self.takes.model_validate_json(await request.body())
        except ValidationError as error:
            raise Refusal(422, _said(error)) from None

    def _query(self, request: Request) -> BaseModel | None:
        if self.query is None:
            return None
        given = request.query_params
        if doubled := {name for name, _ in given.multi_items() if len(given.getlist(name)) > 1}:
            raise Refusal(422, f"{min(doubled)}: given more than once")
        try:
            return self.query.model_validate(dict(given))
        except ValidationError as error:
            raise Refusal(422, _said(error)) from None


def _said(error: ValidationError) -> str:
    """The first thing that is wrong, without the value: it may be what somebody said."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])
