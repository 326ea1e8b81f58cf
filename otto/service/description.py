"""The OpenAPI description, made from the operations: what is served is what is described.

described(operations)["paths"]["/api/ask"]["post"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from otto.service.operation import EVENTS, FORM, JSON, Operation
from otto.service.schema import Error

REASONS = {
    401: "A token is needed.",
    403: "Another page asks.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: 'Dropped by a "stop".',
    413: "The body is too large.",
    415: "The body has another content type.",
    421: "The request was meant for another host.",
    422: "It cannot be understood: the sentence says what is wrong.",
    503: "Too much waits, or a part is missing; `Retry-After` says when to try again.",
}
_REFS = "#/components/schemas/{model}"


def described(operations: Sequence[Operation], failure: type[BaseModel] = Error) -> dict[str, Any]:
    """OpenAPI 3.1. `failure`: the shape of refusals."""
    models = {model for each in operations for model in _models(each)} | {failure}
    refs, schemas = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)], ref_template=_REFS
    )
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, refs, failure)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Otto", "version": version("otto-assistant"), "description": "Speech in, calls out."},
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _models(operation: Operation) -> Iterator[type[BaseModel]]:
    for model in (operation.takes, operation.answers, operation.form, operation.query, operation.failure):
        if model is not None:
            yield model


def _operation(operation: Operation, refs: Any, failure: type[BaseModel]) -> dict[str, Any]:
    ok: dict[str, Any] = {"description": operation.summary + "."}
    shape = refs[operation.answers, "validation"] if operation.answers else {}
    ok["content"] = {
        media.partition(";")[0]: {"schema": _event(operation, shape) if media == EVENTS else shape}
        for media in operation.answers_media
    }
    refused = refs[operation.failure or failure, "validation"]
    answers: dict[str, Any] = {"200": ok}
    for status in _refusals(operation):
        answers[str(status)] = {"description": REASONS[status], "content": {JSON[0]: {"schema": refused}}}
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_parameters(operation)),
        "responses": answers,
    }
    if operation.method == "POST":
        entry["requestBody"] = {"required": True, "content": dict(_bodies(operation, refs))}
    if operation.public:
        entry["security"] = []
    return entry


def _event(operation: Operation, shape: Any) -> dict[str, Any]:
    """One event of a stream: its data is text, which holds JSON. Where an answer may also come in one piece, `shape` is
    that answer's and not an event's."""
    data: dict[str, Any] = {"type": "string", "contentMediaType": JSON[0]}
    if operation.answers_media == (EVENTS,):
        data["contentSchema"] = shape
    return {"type": "object", "required": ["data"], "properties": {"data": data}}


def _refusals(operation: Operation) -> list[int]:
    found = {421, 403, *operation.refusals}
    if not operation.public:
        found.add(401)
    if operation.method == "POST":
        found |= {408, 413, 415, 422}
    if operation.query:
        found.add(422)
    return sorted(found)


def _bodies(operation: Operation, refs: Any) -> Iterator[tuple[str, Any]]:
    for media in operation.media:
        if media in JSON and operation.takes:
            yield media, {"schema": refs[operation.takes, "validation"]}
        elif media in FORM and operation.form:
            yield media, {"schema": refs[operation.form, "validation"]}
        else:
            yield media, {"schema": {"type": "string", "format": "binary"}}


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if operation.query:
        schema = operation.query.model_json_schema()
        for name, shape in schema["properties"].items():
            required = name in schema.get("required", ())
            yield {"name": name, "in": "query", "required": required, "schema": shape}
