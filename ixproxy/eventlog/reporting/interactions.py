"""
What interactions have gone through: volumes, waiting in queues, handling by agents.

Theory of operation: the rows of one interaction on one node stand together, in the
order in which the node numbered them, which no clock can disturb. So one story
is followed at a time. In a story an interaction is in at most one queue, from
its submission in state 0 or EventPlacedInQueue to EventTakenFromQueue,
EventProcessingStopped or the end of the log; and in the hands of agents, each
from EventPartyAdded to EventPartyRemoved. What happened before the period is
followed and not counted; a duration is counted when it ends.
"""

from __future__ import annotations

from itertools import groupby

import msgspec

from ixproxy.eventlog.reporting.period import Period, Wanted
from ixproxy.eventlog.reporting.scratch import KEPT_ROWS, Scratch, Spans, Sums, Table
from ixproxy.eventlog.reporting.source import Log, Row, moment, number, text

QUEUED = 0
"""`interaction_state`: it lies in a queue."""

AGENT = 2
"""`party_type`."""

HANDS_MOST = 1000
"""So many agents of one interaction are followed at a time."""

SERIES = ("submitted", "placed", "taken", "stopped")
"""What the chart of volumes shows, and the first numbers of a queue, but for `submitted`."""

SUBMITTED, PLACED, TO_AGENTS, TO_STRATEGIES, MOVED, STOPPED, WAITING = range(7)
"""The numbers of a queue."""

M_SUBMITTED, M_PLACED, M_TAKEN, M_STOPPED, M_WAITING, M_IN_HAND = range(6)
"""The numbers of a media type."""


class Interactions(msgspec.Struct, frozen=True):
    """
    What became of interactions in the period.

    :ivar queues: by queue: the numbers above. `SUBMITTED` are those that lay in it at once.
    :ivar media: by media type: the numbers above; `M_SUBMITTED` are all.
    :ivar steps: for each step of the period the numbers of `SERIES`.
    :ivar waits: by queue: summaries of the time until somebody took them.
    :ivar handlings: by media type and agent, and by media type alone.
    :ivar in_hand: agents who had one at the end, counted for each interaction.
    :ivar without_begin: queue or handling times that ended, but whose begin is not in the log.
    :ivar without_end: that began and must have ended, but the log does not say when.
    :ivar backwards: that the clock says were negative; they count as 0.
    """

    queues: Table
    media: Table
    steps: list[tuple[int, ...]]
    waits: Table
    handlings: Table
    by_media: Table
    in_hand: int
    without_begin: int
    without_end: int
    backwards: int


COLUMNS = (
    "interaction_id, dbid, event, {time}, media_type, queue, interaction_state,"
    " party_type, party_agent, event_time, moved_to_queue_at"
)


def follow(log: Log, wanted: Wanted, period: Period, scratch: Scratch) -> Interactions:
    """
    Read all rows of interactions once.

    Leaves what `overtaking` asks for in the scratch.

    :raise LogUnreadable: the log is damaged.
    """
    sums = _Sums(scratch, period)
    condition, parameters = wanted.where(log)
    rows = log.rows(
        f"SELECT {COLUMNS.format(time=log.time)} FROM rpt_interaction WHERE {condition}"
        # Not by the index: looking up each row takes twice as long as sorting all.
        " ORDER BY interaction_id || '', dbid, epoch, event_number",
        parameters,
    )
    for (name, dbid), story in groupby(rows, key=lambda row: row[:2]):
        # Without an id there is no story, but there may be events.
        told = _Story(sums, number(dbid), period.begin)
        for row in story:
            told.happened(row)
            if name is None:
                told = _Story(sums, number(dbid), period.begin)
        if name is not None:
            told.end()
    return sums.figures()


class _Sums:
    """What all stories together come to."""

    def __init__(self, scratch: Scratch, period: Period) -> None:
        self.period = period
        self.queues = Sums(scratch, "queues", 1, 7)
        self.media = Sums(scratch, "media", 1, 6)
        self.waits = Spans(scratch, "waits", 1)
        self.handlings = Spans(scratch, "handlings", 2)
        self.taken = Taken(scratch)
        self.steps = [[0] * len(SERIES) for _ in range(period.steps)]
        self.in_hand = 0
        self.without_begin = 0
        self.without_end = 0
        self.backwards = 0

    def step(self, time: float, series: int) -> None:
        self.steps[self.period.place(time)][series] += 1

    def since(self, begin: float, end: float) -> float:
        if end < begin:
            self.backwards += 1
            return 0.0
        return end - begin

    def figures(self) -> Interactions:
        self.taken.put_away()
        return Interactions(
            queues=self.queues.table((SUBMITTED, PLACED)),
            media=self.media.table((M_SUBMITTED, M_PLACED)),
            steps=[tuple(step) for step in self.steps],
            waits=self.waits.table(),
            handlings=self.handlings.table(),
            by_media=self.handlings.table((0,)),
            in_hand=self.in_hand,
            without_begin=self.without_begin,
            without_end=self.without_end,
            backwards=self.backwards,
        )


class Taken:
    """Who was taken from which queue when, for `overtaking`: a table of the scratch."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._kept: list[tuple[object, ...]] = []
        scratch.connection.execute(
            "CREATE TABLE taken (queue TEXT NOT NULL, dbid INTEGER NOT NULL,"
            " entered REAL NOT NULL, placed REAL NOT NULL, left REAL NOT NULL)"
        )

    def add(self, queue: str, dbid: int, entered: float, placed: float, left: float) -> None:
        """One that waited."""
        self._kept.append((queue, dbid, entered, placed, left))
        if len(self._kept) >= KEPT_ROWS:
            self.put_away()

    def put_away(self) -> None:
        """Have all of them in the table."""
        self._scratch.connection.executemany("INSERT INTO taken VALUES (?, ?, ?, ?, ?)", self._kept)
        self._kept.clear()


class _Story:
    """One interaction on one node."""

    def __init__(self, sums: _Sums, dbid: int, begin: float) -> None:
        self._sums = sums
        self._dbid = dbid
        self._begin = begin
        self._media = ""
        self._queue: str | None = None
        self._entered = 0.0
        self._placed = 0.0
        self._hands: dict[str, float] = {}

    def happened(self, row: Row) -> None:
        _, _, event, at, media, queue, state, party_type, agent, by_node, moved_at = row
        at = moment(at)
        counts = at >= self._begin
        self._media = text(media) or self._media
        sums = self._sums
        if event == "EventInteractionSubmitted":
            if counts:
                sums.media.add((self._media,), M_SUBMITTED)
                sums.step(at, 0)
            if state == QUEUED:
                self._enter(text(queue), at, counts, SUBMITTED, by_node, moved_at)
        elif event == "EventPlacedInQueue":
            if counts:
                sums.media.add((self._media,), M_PLACED)
                sums.step(at, 1)
            self._enter(text(queue), at, counts, PLACED, by_node, moved_at)
        elif event == "EventTakenFromQueue":
            self._take(text(queue), at, counts, party_type)
        elif event == "EventProcessingStopped":
            if counts:
                sums.media.add((self._media,), M_STOPPED)
                sums.queues.add((text(queue),), STOPPED)
                sums.step(at, 3)
            self._queue = None
            sums.without_end += len(self._hands) if counts else 0
            self._hands.clear()
        elif event == "EventPartyAdded" and party_type == AGENT:
            if len(self._hands) < HANDS_MOST:
                self._hands.setdefault(text(agent), at)
        elif event == "EventPartyRemoved" and party_type == AGENT:
            began = self._hands.pop(text(agent), None)
            if not counts:
                return
            if began is None:
                sums.without_begin += 1
            else:
                sums.handlings.add((self._media, text(agent)), sums.since(began, at))

    def _enter(
        self, queue: str, at: float, counts: bool, number: int, by_node: object, moved: object
    ) -> None:
        if counts:
            self._sums.queues.add((queue,), number)
            self._sums.without_end += self._queue is not None
        self._queue, self._entered = queue, at
        # What comes back to its queue, for nobody wanted it, has its place of before.
        back = 0.0 if moved is None else max(0.0, moment(by_node) - moment(moved))
        self._placed = at - back

    def _take(self, queue: str, at: float, counts: bool, party_type: object) -> None:
        sums = self._sums
        entered = self._entered if self._queue == queue else None
        self._queue = None
        if not counts:
            return
        sums.media.add((self._media,), M_TAKEN)
        sums.step(at, 2)
        if party_type is None:
            sums.queues.add((queue,), MOVED)
        else:
            sums.queues.add((queue,), TO_AGENTS if party_type == AGENT else TO_STRATEGIES)
        if entered is None:
            sums.without_begin += 1
        elif party_type is not None:
            sums.waits.add((queue,), sums.since(entered, at))
            sums.taken.add(queue, self._dbid, entered, self._placed, at)

    def end(self) -> None:
        """The log ends here."""
        if self._queue is not None:
            self._sums.queues.add((self._queue,), WAITING)
            self._sums.media.add((self._media,), M_WAITING)
        self._sums.in_hand += len(self._hands)
        for _ in self._hands:
            self._sums.media.add((self._media,), M_IN_HAND)
