"""What a request is answered that is not carried out: a status, a sentence, and where it helps, when to try again.

>>> raise Refusal(503, "I am still busy.", retry_seconds=1)

Programs that speak OpenAI's API (`/v1/…`) get the shape that they expect.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from otto.audio.tts import SpeechError
from otto.errors import ModelFileError, OttoError, StoreError

_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "server_error",
}


class Refusal(OttoError):
    """A request that is not carried out. Seen by the program that sent it."""

    def __init__(self, status: int, sentence: str, *, retry_seconds: int = 0) -> None:
        """`status`: of HTTP. `retry_seconds`: when it is worth trying again; 0: it is not."""
        self.status = status
        self.retry_seconds = retry_seconds
        super().__init__(sentence)


def status_of(error: OttoError) -> int:
    """The status for an error that some part of Otto raised."""
    if isinstance(error, Refusal):
        return error.status
    return 503 if isinstance(error, (ModelFileError, StoreError, SpeechError)) else 422


def answer(path: str, error: OttoError) -> Response:
    """The response to a request for `path` that ended with `error`."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, Refusal) and error.retry_seconds:
        headers["Retry-After"] = str(error.retry_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not read
    return JSONResponse(body(path, status, str(error)), status, headers)


def body(path: str, status: int, sentence: str) -> Mapping[str, object]:
    """What says why, as programs at this path expect it."""
    if path.startswith("/v1/"):
        kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return {"error": {"message": sentence, "type": kind, "param": None, "code": None}}
    return {"error": sentence}


async def refused(request: Request, error: Exception) -> Response:
    """The exception handler for the errors of Otto."""
    assert isinstance(error, OttoError)
    return answer(request.url.path, error)
