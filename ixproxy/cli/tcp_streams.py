"""
TCP segments as the byte streams that they carry, one for each direction.

Segments that come twice, overlap or come out of order are put right. Bytes
that the capture lacks are told as a `Gap` as soon as more than `PATIENCE`
bytes wait behind it, or at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ixproxy.cli.packets import Problem, Segment

PATIENCE = 4 << 20
"""Bytes behind a gap that are kept in the hope that it closes."""

_WRAP = 1 << 32


class Flow(NamedTuple):
    """One direction of one connection."""

    source: str
    target: str
    connection: int
    """Counts connections between the same two addresses, from 1."""


class Piece(NamedTuple):
    """The next bytes of a flow, and when the last of them were captured."""

    flow: Flow
    at: float
    content: bytes
    begins_whole: bool
    """Whether the capture holds this flow from its first byte on."""


class Gap(NamedTuple):
    """Bytes of a flow that the capture lacks."""

    flow: Flow
    at: float
    missing: int


@dataclass(slots=True)
class _Reading:
    flow: Flow
    next: int
    begins_whole: bool
    waiting: dict[int, Segment] = field(default_factory=dict)
    waiting_bytes: int = 0


def streams(segments: Iterable[Segment | Problem]) -> Iterator[Piece | Gap | Problem]:
    """What flowed on all connections, in the order in which it could be read."""
    readings: dict[tuple[str, str], _Reading] = {}
    for segment in segments:
        if isinstance(segment, Problem):
            yield segment
            continue
        key = segment.source, segment.target
        reading = readings.get(key)
        if segment.opens:
            if reading is None or segment.sequence != (reading.next - 1) % _WRAP:
                number = reading.flow.connection + 1 if reading else 1
                if reading:
                    yield from _rest(reading)
                flow = Flow(*key, number)
                readings[key] = reading = _Reading(flow, (segment.sequence + 1) % _WRAP, True)
        elif reading is None:
            if not segment.payload:
                continue
            readings[key] = reading = _Reading(Flow(*key, 1), segment.sequence, False)
        if segment.payload and not segment.opens:
            yield from _read(reading, segment)
    for reading in readings.values():
        yield from _rest(reading)


def _ahead(sequence: int, expected: int) -> int:
    """How far `sequence` is ahead of what is expected; negative: behind."""
    return (sequence - expected + _WRAP // 2) % _WRAP - _WRAP // 2


def _read(reading: _Reading, segment: Segment) -> Iterator[Piece | Gap]:
    ahead = _ahead(segment.sequence, reading.next)
    if ahead > 0:
        other = reading.waiting.get(segment.sequence)
        if other is None or len(other.payload) < len(segment.payload):
            reading.waiting[segment.sequence] = segment
            reading.waiting_bytes += len(segment.payload) - (len(other.payload) if other else 0)
        if reading.waiting_bytes > PATIENCE:
            yield from _leap(reading)
        return
    yield from _take(reading, segment, -ahead)
    yield from _catch_up(reading)


def _take(reading: _Reading, segment: Segment, known: int) -> Iterator[Piece | Gap]:
    fresh = segment.payload[known:]
    if fresh:
        reading.next = (reading.next + len(fresh)) % _WRAP
        yield Piece(reading.flow, segment.at, fresh, reading.begins_whole)
    if segment.cut and _ahead(segment.sequence + len(segment.payload), reading.next) == 0:
        reading.next = (reading.next + segment.cut) % _WRAP
        yield Gap(reading.flow, segment.at, segment.cut)


def _catch_up(reading: _Reading) -> Iterator[Piece | Gap]:
    """Read what waited for the bytes that have just come."""
    while reading.waiting:
        sequence = min(reading.waiting, key=lambda each: _ahead(each, reading.next))
        ahead = _ahead(sequence, reading.next)
        if ahead > 0:
            return
        segment = reading.waiting.pop(sequence)
        reading.waiting_bytes -= len(segment.payload)
        yield from _take(reading, segment, -ahead)


def _leap(reading: _Reading) -> Iterator[Piece | Gap]:
    """Give up the bytes before the first that wait."""
    first = min(reading.waiting, key=lambda each: _ahead(each, reading.next))
    missing = _ahead(first, reading.next)
    reading.next = first
    yield Gap(reading.flow, reading.waiting[first].at, missing)
    yield from _catch_up(reading)


def _rest(reading: _Reading) -> Iterator[Piece | Gap]:
    while reading.waiting:
        yield from _leap(reading)
