"""What an operator's monitoring reads at /metrics: counts and times, never a question's text.

The only home of prometheus_client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from app.types import Reply

SECONDS_BUCKETS: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
"""Around the 150 and 300 milliseconds that a question may take, and up to a full queue."""


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._questions = Counter(
            "briefing_desk_questions",
            "Questions answered, by the kind of the reply and its language",
            ["kind", "language"],
            registry=self._registry,
        )
        self._abstentions = Counter(
            "briefing_desk_abstentions",
            "Abstentions, by reason",
            ["reason"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "briefing_desk_question_seconds",
            "Time from a question's admission to its reply, waiting included",
            buckets=SECONDS_BUCKETS,
            registry=self._registry,
        )
        self._errors = Counter(
            "briefing_desk_errors",
            "Requests answered with an error, by its code",
            ["code"],
            registry=self._registry,
        )
        self._feedback = Counter(
            "briefing_desk_feedback",
            "Feedback taken, by verdict",
            ["verdict"],
            registry=self._registry,
        )
        self._admitted = Gauge(
            "briefing_desk_admitted",
            "Callers whose work is being done or waits to be",
            registry=self._registry,
        )
        self._index = Gauge(
            "briefing_desk_index_documents",
            "Documents of the index that answers, by its id",
            ["index_id"],
            registry=self._registry,
        )

    def count_reply(self, reply: Reply, seconds: float) -> None:
        """Count a question that was answered."""
        self._questions.labels(reply.kind, reply.language).inc()
        if reply.reason is not None:
            self._abstentions.labels(reply.reason).inc()
        self._seconds.observe(seconds)

    def count_error(self, code: str) -> None:
        """Count a request that was answered with an error."""
        self._errors.labels(code).inc()

    def count_feedback(self, verdict: str) -> None:
        """Count feedback that was stored."""
        self._feedback.labels(verdict).inc()

    def watch_admitted(self, count: Callable[[], int]) -> None:
        """Ask for the number of admitted callers whenever it is read."""
        self._admitted.set_function(count)

    def name_index(self, index_id: str, documents: int) -> None:
        """Name the index that answers now."""
        self._index.clear()
        self._index.labels(index_id).set(documents)

    def written(self, accept: str) -> tuple[bytes, str]:
        """Return all of them in the form that an Accept header asks for, and its media type."""
        write, media_type = choose_encoder(accept)
        return write(self._registry), media_type
