"""
What was gathered for event logs becomes rows of the outbox, and they are read from there.

Theory of operation: see `ixproxy.node.spools`. A pack is put when its batch ends;
a gap grows then, too. Whatever was read closes a gap that was among it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import inf, nextafter

from msgspec import MsgspecError
from msgspec.structs import replace

from ixproxy.node.log_packs import (
    PACK_BYTES,
    READ_BYTES,
    Amount,
    Packed,
    consumer_of,
    gap_of,
    pack_of,
    told_before,
)
from ixproxy.node.log_rules import LogRules
from ixproxy.node.log_work import Bound, Dropped, LogGrew, LogShipment, ShipLog
from ixproxy.node.rows import OutboxRow
from ixproxy.node.spools import Gathered, Spool
from ixproxy.node.turn import Turn


def pack(turn: Turn) -> list[LogGrew]:
    """The batch ends: put what it gathered into the outbox."""
    spools = turn.spools
    if not spools.gathered:
        return []
    grown = []
    for name, rules in spools.rules.items():
        mine = [each for each in spools.gathered if name in each.logs]
        if mine:
            grown.append(_pack(turn, name, rules, mine))
    return grown


def _pack(turn: Turn, name: str, rules: LogRules, mine: list[Gathered]) -> LogGrew:
    spool = turn.spools.spools[name]
    room, bound = _room(rules, spool, mine)
    fit, rest = mine[:room], mine[room:]
    if fit:
        spool = spool._replace(next=_put_packs(turn, name, fit, spool.next), gap=None)
    if rest:
        gap = _grown(spool.gap, rest, turn.now)
        _put(turn, name, gap.first, gap_of(turn.identity.epoch, spool.next, gap))
        spool = spool._replace(gap=gap)
    turn.spools.set(name, spool)
    first = rest[0].number if rest else 0
    return LogGrew(name, spool.waiting, spool.waiting_bytes, len(rest), first, bound)


def _put_packs(turn: Turn, name: str, events: list[Gathered], before: Amount) -> Amount:
    """Put them; what the log was told with them."""
    some: list[Packed] = []
    size, last = 0, events[-1]
    for each in events:
        some.append(each.event)
        size += each.size
        if size >= PACK_BYTES or each is last:
            _put(turn, name, each.number, pack_of(turn.identity.epoch, before, some))
            before = Amount(before.events + len(some), before.size + size)
            some, size = [], 0
    return before


def _room(rules: LogRules, spool: Spool, mine: list[Gathered]) -> tuple[int, Bound | None]:
    """How many of some events may wait, and which bound keeps the others out."""
    if rules.mandatory:
        return len(mine), None
    waiting, size = spool.waiting, spool.waiting_bytes
    bound = rules.nearly_full_by(waiting, size)
    if spool.gap is not None and bound is not None:
        return 0, rules.full_by(waiting, size) or bound
    if waiting + len(mine) <= rules.max_queue and size + mine[-1].so_far <= rules.max_bytes:
        # Other logs' events are among these bytes: a bound is not reached where they fit.
        return len(mine), None
    for at, each in enumerate(mine):
        waiting, size = waiting + 1, size + each.size
        if waiting > rules.max_queue:
            return at, Bound.EVENTS
        if size > rules.max_bytes:
            return at, Bound.BYTES
    return len(mine), None


def _grown(gap: Dropped | None, dropped: list[Gathered], now: float) -> Dropped:
    """A gap with more events in it; None: a new one."""
    names = Counter(each.event.kind for each in dropped)
    last = dropped[-1].number
    if gap is None:
        return Dropped(dropped[0].number, last, now, now, dict(names))
    names.update(gap.events)
    return replace(gap, last=last, last_time=now, events=dict(names))


def _put(turn: Turn, name: str, number: int, body: bytes) -> None:
    turn.rows.put_outbox(OutboxRow(event_number=number, consumer=consumer_of(name), body=body))


def ship(turn: Turn, work: ShipLog) -> LogShipment:
    """The next rows for a log; what it was told is deleted."""
    name, consumer = work.log, consumer_of(work.log)
    found = turn.rows.outbox(consumer, work.limit, max(work.told, default=0))
    for number in work.told:
        turn.rows.remove_outbox(number, consumer)
    bodies = _no_more_than_is_read(found)
    spool = turn.spools.spools.get(name, Spool())
    if work.told:
        spool = spool._replace(oldest=_oldest(bodies, spool))
    if spool.gap is not None and spool.gap.first in bodies:
        spool = spool._replace(gap=None)
    if name in turn.spools.spools:
        turn.spools.set(name, spool)
    return LogShipment(
        name,
        bodies,
        spool.waiting,
        spool.waiting_bytes,
        turn.counters.event_number,
        # What else this batch brings happens now.
        nextafter(turn.now, -inf),
        token=work.token,
    )


def _no_more_than_is_read(found: list[OutboxRow]) -> dict[int, bytes]:
    """The first of some rows, by number: who asked for many small ones may find large ones."""
    bodies: dict[int, bytes] = {}
    size = 0
    for row in found:
        size += len(row.body)
        if bodies and size > READ_BYTES:
            break
        bodies[row.event_number] = row.body
    return bodies


def _oldest(bodies: Mapping[int, bytes], spool: Spool) -> Amount:
    """Where a spool begins, as its first row says; one that cannot be read is not counted."""
    for body in bodies.values():
        try:
            return told_before(body)
        except MsgspecError:
            continue
    return spool.next
