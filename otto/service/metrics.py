"""What Prometheus is told at `/metrics`: how long each stage took, what was understood, refused and corrected.

    metrics = Metrics()
    metrics.turn(turn)
    metrics.text()                      # in Prometheus' text format

Never a word of what was said: labels are names of stages, routers, skills' outcomes and operations.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from otto.route import Route
from otto.turn import Turn

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counts of one service."""

    def __init__(self) -> None:
        self._registry = kept = CollectorRegistry()
        self._stages = Histogram(
            "otto_stage_seconds", "Time of a command's stages.", ["stage"], buckets=_BUCKETS, registry=kept
        )
        self._routes = Counter("otto_routes", "Sentences understood.", ["router"], registry=kept)
        self._rejections = Counter(
            "otto_rejections", "Sentences for which no skill applies.", ["router"], registry=kept
        )
        self._calls = Counter("otto_calls", "What became of calls.", ["outcome"], registry=kept)
        self._questions = Counter("otto_questions", "Risky commands, by what was answered.", ["answer"], registry=kept)
        self._corrections = Counter("otto_corrections", "Commands whose call was wrong.", registry=kept)
        self._busy = Counter("otto_busy", "Requests refused because too many were under way.", ["what"], registry=kept)
        self._requests = Counter("otto_requests", "Requests answered.", ["operation", "status"], registry=kept)
        self._answering = Histogram(
            "otto_request_seconds", "Time to answer a request.", ["operation"], buckets=_BUCKETS, registry=kept
        )
        self.listening = Gauge("otto_listening", "Connections that hear sound.", registry=kept)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks."""
        Gauge(name, meaning, registry=self._registry).set_function(value)

    def route(self, route: Route) -> None:
        self._routes.labels(route.router).inc()
        if route.rejected:
            self._rejections.labels(route.router).inc()

    def turn(self, turn: Turn) -> None:
        """A command that was carried out."""
        for stage, milliseconds in turn.timings_ms.items():
            self.stage(stage, milliseconds)
        for result in turn.results:
            self._calls.labels(result.outcome).inc()

    def stage(self, stage: str, milliseconds: float) -> None:
        self._stages.labels(stage).observe(milliseconds / 1000)

    def question(self, answer: str) -> None:
        """`answer`: asked, yes, no, or late."""
        self._questions.labels(answer).inc()

    def correction(self) -> None:
        self._corrections.inc()

    def busy(self, what: str) -> None:
        self._busy.labels(what).inc()

    def request(self, operation: str, status: int, seconds: float) -> None:
        self._requests.labels(operation, str(status)).inc()
        self._answering.labels(operation).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
