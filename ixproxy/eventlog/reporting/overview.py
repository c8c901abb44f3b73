"""What a log holds: of which nodes, how many events, what was dropped, late or corrected."""

from __future__ import annotations

import msgspec

from ixproxy.eventlog.reporting.period import Period, Wanted
from ixproxy.eventlog.reporting.scratch import Scratch, Sums, Table
from ixproxy.eventlog.reporting.source import TABLES, Log, moment, number, text

SHOWN_GAPS = 50


class Gap(msgspec.Struct, frozen=True):
    """
    Events of one node that were dropped one after another.

    :ivar first: number of the first, as is `last` that of the last.
    :ivar begin: when the first happened, as is `end` when the last did.
    """

    dbid: int
    epoch: int
    first: int
    last: int
    begin: float
    end: float
    dropped: int


class Skew(msgspec.Struct, frozen=True):
    """
    By how many seconds the merge has moved the times of a node's events.

    :ivar late: events that came when the merge had passed their place.
    """

    dbid: int
    least: float
    most: float
    late: int


class Overview(msgspec.Struct, frozen=True):
    """
    :ivar merged: the log was merged.
    :ivar nodes: dbid, name, and until when all that it logs is here.
    :ivar events: by dbid: how many in each of `TABLES`.
    :ivar dropped: by dbid and name of event: how many.
    :ivar gaps: in the order of their times; the first of them.
    :ivar gaps_left_out: how many more there are.
    :ivar skews: of a merged log, by node.
    :ivar custom: by table, media type and id of custom event: how many.
    """

    merged: bool
    nodes: list[tuple[int, str, float]]
    events: Table
    dropped: Table
    gaps: list[Gap]
    gaps_left_out: int
    skews: list[Skew]
    custom: Table


def look_over(log: Log, wanted: Wanted, period: Period, scratch: Scratch) -> Overview:
    """
    Count what is there.

    :raise LogUnreadable: the log is damaged.
    """
    events = Sums(scratch, "events", 1, len(TABLES))
    skews: dict[int, Skew] = {}
    condition, parameters = wanted.counted(log)
    for place, table in enumerate(TABLES):
        query = f"SELECT dbid, COUNT(*) FROM {table} WHERE {condition} GROUP BY dbid"
        for dbid, count in log.rows(query, parameters):
            events.add((str(number(dbid)),), place, number(count))
        if log.merged:
            _skew(log, table, condition, parameters, skews)
    dropped, gaps, left_out = _dropped(log, wanted, scratch)
    return Overview(
        merged=log.merged,
        nodes=[(number(dbid), text(node), moment(until)) for dbid, node, until in log.nodes()],
        events=events.table(),
        dropped=dropped,
        gaps=gaps,
        gaps_left_out=left_out,
        skews=[skews[dbid] for dbid in sorted(skews)],
        custom=_custom(log, wanted, scratch),
    )


def _skew(
    log: Log, table: str, condition: str, parameters: list[object], skews: dict[int, Skew]
) -> None:
    query = (
        "SELECT dbid, is_late, COUNT(*), MIN(merged_time - event_time),"
        f" MAX(merged_time - event_time) FROM {table} WHERE {condition} GROUP BY dbid, is_late"
    )
    for dbid, late, count, least, most in log.rows(query, parameters):
        before = skews.get(dbid, Skew(dbid, least, most, 0))
        skews[dbid] = Skew(
            number(dbid),
            min(moment(least), before.least),
            max(moment(most), before.most),
            before.late + (number(count) if late else 0),
        )


def _dropped(log: Log, wanted: Wanted, scratch: Scratch) -> tuple[Table, list[Gap], int]:
    """Those of gaps that reach into the period: a gap has one count, which cannot be cut."""
    sums = Sums(scratch, "dropped", 2, 1)
    conditions, parameters = ["1 = 1"], list[object]()
    if wanted.begin is not None:
        conditions.append("last_time >= ?")
        parameters.append(wanted.begin)
    if wanted.end is not None:
        conditions.append("first_time < ?")
        parameters.append(wanted.end)
    condition = " AND ".join(conditions)
    for dbid, event, count in log.rows(
        f"SELECT dbid, event, dropped FROM rpt_dropped WHERE {condition}", parameters
    ):
        sums.add((str(number(dbid)), text(event)), 0, number(count))
    gaps = [
        Gap(
            dbid=number(dbid),
            epoch=number(epoch),
            first=number(first),
            last=number(last),
            begin=moment(begin),
            end=moment(end),
            dropped=int(count),
        )
        for dbid, epoch, first, last, begin, end, count in log.rows(
            "SELECT dbid, epoch, first_number, MAX(last_number), MIN(first_time), MAX(last_time),"
            f" SUM(dropped) FROM rpt_dropped WHERE {condition}"
            " GROUP BY dbid, epoch, first_number ORDER BY 5, 1, 2, 3"
            f" LIMIT {SHOWN_GAPS}",
            parameters,
        )
    ]
    (count,) = next(
        log.rows(
            "SELECT COUNT(*) FROM (SELECT 1 AS one FROM rpt_dropped"
            f" WHERE {condition} GROUP BY dbid, epoch, first_number) AS gaps",
            parameters,
        )
    )
    return sums.table(), gaps, number(count) - len(gaps)


def _custom(log: Log, wanted: Wanted, scratch: Scratch) -> Table:
    sums = Sums(scratch, "custom", 3, 1)
    condition, parameters = wanted.counted(log, "custom_event_id IS NOT NULL")
    for table in ("rpt_interaction", "rpt_agent", "rpt_custom"):
        for media, event, count in log.rows(
            f"SELECT media_type, custom_event_id, COUNT(*) FROM {table} WHERE {condition}"
            " GROUP BY media_type, custom_event_id",
            parameters,
        ):
            names = (table, text(media), str(number(event)))
            sums.add(names, 0, number(count))
    return sums.table()
