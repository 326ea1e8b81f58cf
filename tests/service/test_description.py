"""The OpenAPI description says what is served: schemathesis makes requests from it and looks at the answers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

from otto.service.operation import SOUND
from otto.service.run import Server

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

schemathesis.serializer.alias(list(SOUND), "application/octet-stream")
MEANING = {"/api/correct", "/api/transcribe", "/v1/audio/transcriptions", "/v1/chat/completions"}
"""Where a request of the right shape may still be wrong: it has to name a skill, or hold sound."""
PHASES = (Phase.explicit, Phase.generate)


def everything_answers_as_described(server: Server, examples: int) -> int:
    """Valid and invalid requests for every operation, `examples` of each kind. How many operations there are."""
    address = f"http://127.0.0.1:{server.port}"
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    schema.config.update(base_url=address, headers={"Authorization": f"Bearer {server.service.token.secret}"})
    refused = schema.config.checks.negative_data_rejection
    refused.expected_statuses = [*refused.expected_statuses, "413"]  # what is too long may be too long to be read
    found = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        found += 1
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=examples,
                deadline=None,
                phases=PHASES,
                suppress_health_check=tuple(HealthCheck),
                database=None,
                derandomize=True,
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def answered(case: Any) -> None:
                checks = [positive_data_acceptance] if case.operation.path in MEANING else []
                case.call_and_validate(excluded_checks=checks)

            with suppress(Unsatisfiable):  # where nothing could be wrong about a request
                answered()
    return found


def test_every_operation_answers_as_described(server: Server) -> None:
    assert everything_answers_as_described(server, 4) >= 18


@pytest.mark.nightly
def test_every_operation_answers_as_described_at_length(server: Server) -> None:
    assert everything_answers_as_described(server, 500) >= 18


def test_everything_that_is_served_is_described(client: httpx.Client) -> None:
    told = client.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    wanted = "/api/route /api/ask /api/confirm /api/skills /api/history /api/correct /api/timers /api/transcribe"
    others = "/health /metrics /v1/models /v1/chat/completions /v1/audio/transcriptions /v1/audio/speech"
    assert {*wanted.split(), *others.split()} <= told["paths"].keys()
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_an_event_of_a_stream_is_described_and_not_the_answer_in_one_piece(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    def shapes(path: str) -> dict[str, Any]:
        return {media: each["schema"] for media, each in paths[path]["post"]["responses"]["200"]["content"].items()}

    chat, coach = shapes("/v1/chat/completions"), shapes("/api/coach")
    assert chat["application/json"] == {"$ref": "#/components/schemas/Completion"}
    assert chat["text/event-stream"]["properties"] == {
        "data": {"type": "string", "contentMediaType": "application/json"}
    }
    told = coach["text/event-stream"]["properties"]["data"]["contentSchema"]
    assert told == {"$ref": "#/components/schemas/CoachEvent"}
