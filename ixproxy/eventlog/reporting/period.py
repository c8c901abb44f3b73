"""The time that a report is about, and the steps in which its charts show it."""

from __future__ import annotations

import math

import msgspec

from ixproxy.eventlog.reporting.source import TABLES, Log, moment

MOST_STEPS = 80

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

STEPS = (
    10, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 28 * _DAY,
    364 * _DAY,
)  # fmt: skip
"""Seconds; beyond the last they double, for a clock that was wrong by ages."""


class Wanted(msgspec.Struct, frozen=True):
    """
    What of a log a report is about.

    :ivar begin: seconds since the epoch, UTC; what happened before is not counted. None: all.
    :ivar end: what happened at that time or later is not looked at. None: all.
    :ivar tenant: only what concerns this tenant. None: all.
    """

    begin: float | None = None
    end: float | None = None
    tenant: int | None = None

    def where(self, log: Log, also: str = "") -> tuple[str, list[object]]:
        """The condition for rows that are looked at, those before the beginning, too."""
        conditions, parameters = ["1 = 1"], list[object]()
        if self.end is not None:
            conditions.append(f"{log.time} < ?")
            parameters.append(self.end)
        if self.tenant is not None:
            conditions.append("tenant_id = ?")
            parameters.append(self.tenant)
        if also:
            conditions.append(also)
        return " AND ".join(conditions), parameters

    def counted(self, log: Log, also: str = "") -> tuple[str, list[object]]:
        """The condition for rows that are counted."""
        conditions, parameters = self.where(log, also)
        if self.begin is not None:
            return f"{conditions} AND {log.time} >= ?", [*parameters, self.begin]
        return conditions, parameters


class Period(msgspec.Struct, frozen=True):
    """
    From when to when, in seconds since the epoch, UTC.

    :ivar end: of what has no end then, it is shown that it lasted until here.
    :ivar step: seconds between two points of a chart.
    """

    begin: float
    end: float
    step: int

    @property
    def first(self) -> int:
        """Where the first step begins; steps begin at round times."""
        return math.floor(self.begin / self.step) * self.step

    @property
    def steps(self) -> int:
        """How many there are."""
        return max(1, math.floor((self.end - self.first) / self.step) + 1)

    def place(self, time: float) -> int:
        """The step that a time belongs to."""
        return min(max(0, math.floor((time - self.first) / self.step)), self.steps - 1)


def period_of(log: Log, wanted: Wanted) -> Period | None:
    """
    What a report is about: as wanted, otherwise from the first event to where the log ends.

    That is the time until which most is logged, by any node, or of the last event. None:
    there is no event, and nobody says until when there is none.
    """
    begin, end = wanted.begin, wanted.end
    condition, parameters = wanted.where(log)
    firsts, lasts = [], []
    for table in TABLES:
        for first, last in log.rows(
            f"SELECT MIN({log.time}), MAX({log.time}) FROM {table} WHERE {condition}", parameters
        ):
            if first is not None:
                firsts.append(moment(first))
                lasts.append(moment(last))
    if end is None:
        lasts.extend(until for _, _, until in log.nodes())
        end = max(lasts, default=None)
    if begin is None:
        begin = min(firsts, default=end)
    if begin is None or end is None:
        return None
    end = max(begin, end)
    return Period(begin, end, step_for(end - begin))


def step_for(span: float) -> int:
    """The smallest round step of which not too many are in a span, in seconds."""
    for step in STEPS:
        if span / step < MOST_STEPS - 1:
            return step
    step = STEPS[-1]
    while span / step >= MOST_STEPS - 1:
        step *= 2
    return step
