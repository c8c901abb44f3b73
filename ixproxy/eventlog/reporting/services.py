"""External servers: how often they were called, how long they took, what went wrong."""

from __future__ import annotations

from itertools import groupby

import msgspec

from ixproxy.eventlog.reporting.period import Period, Wanted
from ixproxy.eventlog.reporting.scratch import Scratch, Spans, Sums, Table
from ixproxy.eventlog.reporting.source import Log, moment, text

CALLS, ANSWERED, FAULTS, OPEN = range(4)
"""
The numbers of a server: calls made in the period, answers in it, of these faults, and calls that
had no answer at the end.
"""


class Services(msgspec.Struct, frozen=True):
    """
    :ivar servers: by server: the numbers above.
    :ivar times: by server: summaries of the time from call to answer, faults included.
    :ivar faults: by server and fault code: how many.
    """

    servers: Table
    times: Table
    faults: Table


def follow_services(log: Log, wanted: Wanted, period: Period, scratch: Scratch) -> Services:
    """
    Read all rows of calls once: those of a call stand together.

    :raise LogUnreadable: the log is damaged.
    """
    servers = Sums(scratch, "servers", 1, 4)
    times = Spans(scratch, "call_times", 1)
    faults = Sums(scratch, "faults", 2, 1)
    condition, parameters = wanted.where(log)
    rows = log.rows(
        f"SELECT esp_request_id, dbid, event, {log.time}, esp_server, fault_code, fault_text"
        f" FROM rpt_esp WHERE {condition} ORDER BY esp_request_id, dbid, epoch, event_number",
        parameters,
    )
    for (call, _), told in groupby(rows, key=lambda row: row[:2]):
        asked: float | None = None
        server = ""
        for _, _, event, at, named, fault, said in told:
            at, server = moment(at), text(named)
            counts = at >= period.begin
            if event == "EventExternalServiceRequested":
                # Without an id no answer is known to be that of a call.
                asked = at if call is not None else None
                if counts:
                    servers.add((server,), CALLS)
            elif event == "EventExternalServiceResponded":
                began, asked = asked, None
                if not counts:
                    continue
                servers.add((server,), ANSWERED)
                if fault is not None or said is not None:
                    servers.add((server,), FAULTS)
                    faults.add((server, text(fault)), 0)
                if began is not None:
                    times.add((server,), max(0.0, at - began))
        if asked is not None:
            servers.add((server,), OPEN)
    return Services(servers.table((CALLS, ANSWERED, OPEN)), times.table(), faults.table())
