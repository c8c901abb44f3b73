"""What came of the requests of a load: latencies, errors and doubts by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ixproxy.cli.latencies import Latencies
from ixproxy.cli.load_mix import Kind
from ixproxy.errors import RequestRefused


class Figures:
    """Of one kind of request."""

    __slots__ = ("errors", "in_doubt", "latencies")

    def __init__(self) -> None:
        self.latencies = Latencies()
        self.errors: Counter[int] = Counter()
        self.in_doubt = 0

    def record(self, kind: Kind, seconds: float) -> dict[str, object]:
        """As `--json` prints it."""
        latencies = self.latencies
        return {
            "request": kind.value,
            "count": latencies.count,
            "per_second": per_second(latencies.count, seconds),
            "errors": by_code(self.errors),
            "in_doubt": self.in_doubt,
            "milliseconds": latencies.milliseconds(),
            "histogram": [
                [round(low, 6), round(high, 6), count] for low, high, count in latencies.rows()
            ],
        }


class Tally:
    """
    :param measured_from: outcomes of requests that were due earlier are not measured.
    :ivar missed: requests of an open loop that were not sent, for too many
        were in flight.
    :ivar late: seconds that a request was sent after it was due, at most.
    :ivar lately: what came since `look`, warm-up included.
    """

    def __init__(self, measured_from: float) -> None:
        self.measured_from = measured_from
        self.by_kind: dict[Kind, Figures] = {}
        self.empty_pulls = 0
        self.missed = 0
        self.unmeasured = 0
        self.late = 0.0
        self.lately = Latencies()
        self.lately_refused = 0

    def add(
        self, kind: Kind, due: float, now: float, problem: RequestRefused | None = None
    ) -> None:
        """One request has its outcome."""
        seconds = now - due
        self.lately.add(seconds)
        self.lately_refused += problem is not None
        if due < self.measured_from:
            self.unmeasured += 1
            return
        figures = self.by_kind.get(kind)
        if figures is None:
            figures = self.by_kind[kind] = Figures()
        figures.latencies.add(seconds)
        if problem is not None:
            figures.errors[problem.code] += 1
            figures.in_doubt += problem.in_doubt

    def look(self) -> tuple[Latencies, int]:
        """What came since the last look, and how much of it was refused."""
        found = self.lately, self.lately_refused
        self.lately, self.lately_refused = Latencies(), 0
        return found

    @property
    def all(self) -> Latencies:
        """The latencies of all kinds together."""
        latencies = Latencies()
        for figures in self.by_kind.values():
            latencies.merge(figures.latencies)
        return latencies

    @property
    def errors(self) -> Counter[int]:
        """The errors of all kinds together."""
        return sum((figures.errors for figures in self.by_kind.values()), Counter())

    @property
    def in_doubt(self) -> int:
        """How many outcomes nobody knows."""
        return sum(figures.in_doubt for figures in self.by_kind.values())

    def kinds(self) -> list[tuple[Kind, Figures]]:
        """What was measured, in the order of `Kind`."""
        return [(kind, self.by_kind[kind]) for kind in Kind if kind in self.by_kind]

    def record(self, seconds: float) -> dict[str, object]:
        """The summary as `--json` prints it."""
        latencies = self.all
        return {
            "seconds": round(seconds, 3),
            "requests": latencies.count,
            "per_second": per_second(latencies.count, seconds),
            "errors": by_code(self.errors),
            "in_doubt": self.in_doubt,
            "empty_pulls": self.empty_pulls,
            "missed": self.missed,
            "not_measured": self.unmeasured,
            "sent_late_milliseconds": round(self.late * 1000, 3),
            "milliseconds": latencies.milliseconds(),
        }


def per_second(count: int, seconds: float) -> float:
    """A rate, rounded."""
    return round(count / seconds, 1) if seconds > 0 else 0.0


def by_code(errors: Mapping[int, int]) -> dict[str, int]:
    """Errors as JSON has them."""
    return {str(code): count for code, count in sorted(errors.items())}
