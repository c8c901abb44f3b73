"""
One run of a merge: from where the last one ended to where all sources are complete.

Theory of operation: of each stream the next event is at hand. The one that
happened first, by the common clock, is taken; it goes to the history as it is,
or, if it is an agent's, to the rules for agents, which say what of it goes there. After so many
events all that is known is saved with them. So a run that is killed has
done nothing, or whole parts of its work, and the next one goes on as if it
were the same.

Nothing but what is saved decides how it goes on: not which events were read
ahead, and not when the parts ended. The clock of whoever merges only says what cannot have
happened yet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_source import BEGINNING, LogSource, Place, Written
from ixproxy.eventlog.log_tables import TABLES
from ixproxy.eventlog.merge_columns import fit_columns
from ixproxy.eventlog.merge_reading import Reading, order
from ixproxy.eventlog.merge_target import MergeTarget, Reached
from ixproxy.eventlog.merging.agent_acts import reader_of
from ixproxy.eventlog.merging.agents import AgentHistories, Emitted
from ixproxy.eventlog.merging.horizon import AHEAD, NEVER, Horizon, Stream, horizon
from ixproxy.eventlog.merging.skew import Skew

AGENTS = TABLES.index("rpt_agent")

MAD = 86400.0
"""Seconds by which a clock may be ahead and yet be compared: a wrong time zone is less."""

LOGINS = 400
"""Logins of a node that are compared before the first event is merged."""


class MergeOptions(NamedTuple):
    """
    :ivar wait: seconds by which a stream may be behind, and for which a logout may wait.
    :ivar final: merge all that is there.
    :ivar estimated: take the skew of clocks out.
    :ivar offsets: seconds by which nodes' clocks are ahead, set by hand.
    :ivar now: what the clock of whoever merges shows, in seconds since the epoch.
    :ivar part: events after which is saved.
    """

    wait: float = 300.0
    final: bool = False
    estimated: bool = True
    offsets: Mapping[int, float] = {}
    now: float = math.inf
    part: int = 5000


class Summary(NamedTuple):
    """
    What a run did.

    :ivar counted: events that were read, rows that came of them, and so on.
    :ivar offsets: seconds by which each node's clock is ahead, by dbid.
    :ivar behind: streams that were not waited for, and by how many seconds they were behind.
    :ivar until: up to which time is merged, by the common clock.
    :ivar ahead: streams that say that they know the future, and for how many seconds.
    """

    counted: Mapping[str, int]
    offsets: Mapping[int, float]
    behind: Mapping[Stream, float]
    until: float
    ahead: Mapping[Stream, float]


def _say_nothing(events: int, time: float, share: float) -> None: ...


class MergeRun:
    """
    :param sources: each once.
    :param progress: called when something was saved: events so far, their time, and the share
        of the time from the first to the last one that is done, 0 to 1: nobody counts events.
    :raise StorageError: a source is not what it was, or is the target.
    """

    def __init__(
        self,
        sources: Sequence[LogSource],
        target: MergeTarget,
        options: MergeOptions,
        progress: Callable[[int, float, float], None] = _say_nothing,
    ) -> None:
        self._target = target
        self._options = options
        self._progress = progress
        self._sources = {each.name: each for each in sources}
        self._before = Counter(target.kept.counted)
        self._check_identities(sources)
        self._written = {
            Stream(each.name, dbid): written
            for each in sources
            for dbid, written in each.streams().items()
        }
        self._reached = self._find_reached()
        fit_columns(sources, target)
        self._read_agent = reader_of(target.columns["rpt_agent"])
        self._ahead = {
            name: written.until - options.now
            for name, written in self._written.items()
            if written.until - options.offsets.get(name.dbid, 0.0) > options.now + AHEAD
        }
        self._skew = Skew(
            target.samples(),
            options.offsets,
            estimated=options.estimated,
            doubted={name.dbid for name in self._ahead},
        )
        self._come_back()
        self._agents = AgentHistories(
            target.sessions(), target.kept.now, restore=options.wait, past=target
        )

    def _check_identities(self, sources: Sequence[LogSource]) -> None:
        seen = {self._target.identity(): self._target.name}
        for each in sources:
            identity = each.identity()
            if identity in seen:
                role = "the target" if seen[identity] == self._target.name else "given twice"
                raise StorageError(f"{each.name}: this source is {role}")
            seen[identity] = each.name

    def _come_back(self) -> None:
        """Out of the future, if a merge without a clock went there."""
        latest, kept = self._options.now + AHEAD, self._target.kept
        known = [each.last_time for each in self._reached.values() if each.last_time <= latest]
        # As far as was merged of those that were not there.
        back = max(known, default=self._options.now)
        kept.now = kept.now if kept.now <= latest else back
        kept.merged_until = kept.merged_until if kept.merged_until <= latest else back
        for reached in self._reached.values():
            reached.last_time = reached.last_time if reached.last_time <= latest else back

    def _find_reached(self) -> dict[Stream, Reached]:
        known = self._target.streams()
        reached: dict[Stream, Reached] = {}
        self._moved: list[Stream] = []
        for name, written in self._written.items():
            found = known.get(name)
            if found is None:
                found = self._moved_from(name, known)
            if found is not None:
                self._check(name, written, found)
            reached[name] = found or Reached(written.node, *BEGINNING, NEVER, {})
            reached[name].node = written.node or reached[name].node
        return reached

    def _moved_from(self, name: Stream, known: Mapping[Stream, Reached]) -> Reached | None:
        """What was merged of the stream when its database had another address."""
        for other, reached in known.items():
            if other.dbid == name.dbid and other not in self._written:
                same = [
                    self._sources[name.source].name_of(table, name.dbid, (mark[0], mark[1]))
                    == (mark[2], mark[3])
                    for table, mark in reached.marks.items()
                ]
                if any(same):
                    self._moved.append(other)
                    return reached
        return None

    def _check(self, name: Stream, written: Written, reached: Reached) -> None:
        """A stream goes on where it was, or is not the same."""
        where = f"{name.source}, node {name.dbid}"
        if written.last < (reached.epoch, reached.number):
            raise StorageError(
                f"{where}: the log goes back: its last event is {written.last[1]} of epoch "
                f"{written.last[0]}, and {reached.number} of epoch {reached.epoch} is merged "
                "already; was the database restored? Nothing was merged"
            )
        if written.node and reached.node and written.node != reached.node:
            raise StorageError(
                f"{where}: this is the log of {written.node}, and that of {reached.node} was "
                "merged under this address; was the database replaced? Nothing was merged"
            )
        for table, (epoch, number, time, event) in reached.marks.items():
            found = self._sources[name.source].name_of(table, name.dbid, (epoch, number))
            if found not in (None, (time, event)):
                raise StorageError(
                    f"{where}: event {number} of epoch {epoch} is not the one that was merged; "
                    "was the database replaced? Nothing was merged"
                )

    def run(self) -> Summary:
        """Merge all that can be."""
        try:
            self._target.begin()
            self._compare_logins()
            for stream in self._moved:
                self._target.forget_stream(stream)
            self._save(list(self._reached))
            reach = self._horizon()
            self._merge(reach.until)
            return self._end(reach)
        finally:
            self._target.close()

    def _compare_logins(self) -> None:
        """What the first logins say of clocks of which nothing is known."""
        nodes = sorted({name.dbid for name in self._written})
        strangers = {
            node
            for node in nodes
            if not any(self._skew.knows(node, other) for other in nodes if other != node)
        }
        if not strangers or len(nodes) < 2 or not self._options.estimated:
            return
        seen: dict[tuple[int, int], dict[int, float]] = {}
        for name in sorted(self._written, key=lambda each: (each.dbid, each.source)):
            reached = self._reached[name]
            source = self._sources[name.source]
            place = reached.epoch, reached.number
            for number, home, time in source.logins(name.dbid, place, LOGINS):
                seen.setdefault((number, home), {}).setdefault(name.dbid, time)
        for times in seen.values():
            for first in times:
                for second in times:
                    if first < second and not strangers.isdisjoint((first, second)):
                        self._learn(first, times[first], second, times[second])

    def _horizon(self) -> Horizon:
        ends = {
            name: written.until - self._skew.of(name.dbid)
            for name, written in self._written.items()
        }
        options = self._options
        return horizon(ends, options.wait, now=options.now, final=options.final)

    def _merge(self, until: float) -> None:
        streams = self._readings()
        skew, late_until = self._skew, self._target.kept.merged_until
        version, events = skew.version, 0
        touched: set[Stream] = set()
        begin, end = min((each.time for each in streams), default=0.0), self._newest(until)
        while streams:
            if version != skew.version:
                version = skew.version
                for each in streams:
                    each.look(skew)
            first = min(streams, key=order) if len(streams) > 1 else streams[0]
            if first.time > until:
                break
            self._take(first, late_until)
            touched.add(first.name)
            time = first.time
            first.advance(skew)
            if first.item is None:
                streams.remove(first)
            events += 1
            if events % self._options.part == 0:
                self._save(touched)
                touched.clear()
                share = (time - begin) / (end - begin) if end > begin else 1.0
                self._progress(events, self._agents.now, min(max(share, 0.0), 1.0))
        self._save(touched)
        self._progress(events, self._agents.now, 1.0)

    def _newest(self, until: float) -> float:
        """The last time that will be merged, as far as is known."""
        ends = (each.until - self._skew.of(name.dbid) for name, each in self._written.items())
        return min(until, self._options.now, max(ends, default=until))

    def _readings(self) -> list[Reading]:
        readings = []
        for name, reached in self._reached.items():
            after, last = (reached.epoch, reached.number), self._written[name].last
            events = self._sources[name.source].events(name.dbid, after, last, self._target.columns)
            now, begin = self._options.now, self._target.kept.merged_until
            reading = Reading(name, reached, events, now, begin)
            reading.advance(self._skew)
            if reading.item is not None:
                readings.append(reading)
                if reading.wrong and reading.pace.last == NEVER:
                    reading.pace.last = self._first_time(reading, after, last)
                    reading.look(self._skew)
        return readings

    def _first_time(self, reading: Reading, after: Place, last: Place) -> float:
        """When a stream began whose first event is in the future: no later than the next did."""
        now, (source, dbid) = self._options.now, reading.name
        latest = now + AHEAD + reading.offset
        found = self._sources[source].first_time(dbid, after, last, latest)
        return now if found is None else min(found - reading.offset, now)

    def _take(self, reading: Reading, late_until: float) -> None:
        """One event goes into the history."""
        item, time = reading.item, reading.time
        assert item is not None
        target, row = self._target, item.row
        late = time < late_until
        target.count("events")
        if late:
            target.count("late events")
        if reading.wrong:
            target.count("in the future")
        if item.table == AGENTS:
            self._emit(self._agents.seen(self._read_agent(row, time, late)))
            for shared in self._agents.shared:
                self._learn(*shared)
            self._agents.shared.clear()
        else:
            if not late:
                self._emit(self._agents.passed(time))
            target.append(item.table, row, time, late)
        reached = reading.reached
        reached.epoch, reached.number = item.place
        reading.take()
        reached.marks[TABLES[item.table]] = (*item.place, row[3], row[4])

    def _learn(self, dbid: int, time: float, other: int, other_time: float) -> None:
        """Two nodes told of the same; from a clock that went mad for a while nothing is learned."""
        if max(time, other_time) <= self._options.now + MAD:
            self._skew.learn(dbid, time, other, other_time)

    def _emit(self, emitted: Sequence[Emitted]) -> None:
        width = len(self._target.columns[TABLES[AGENTS]])
        for row, time, late in emitted:
            # A logout that was held is as wide as the table was then.
            self._target.append(AGENTS, (*row, *(None,) * (width - len(row))), time, late)

    def _save(self, streams: Sequence[Stream] | set[Stream]) -> None:
        """All that is known, with all that was merged; the next part begins."""
        target, agents, skew = self._target, self._agents, self._skew
        target.put_streams({name: self._reached[name] for name in streams})
        target.put_sessions(sorted(agents.changed), agents.sessions)
        target.put_samples({pair: skew.samples(pair) for pair in sorted(skew.changed)})
        for name, number in agents.counters.items():
            target.count(name, number)
        target.kept.now = agents.now
        agents.changed.clear()
        skew.changed.clear()
        agents.counters.clear()
        target.save()
        target.begin()

    def _end(self, reach: Horizon) -> Summary:
        """What is done when the events are: held logouts, what was dropped, until when it goes."""
        target, now = self._target, self._agents.now
        if self._options.final:
            self._emit(self._agents.finish())
        elif reach.until > now:
            self._emit(self._agents.passed(reach.until))
        for source in self._sources.values():
            part = []
            for row in source.dropped():
                part.append(row)
                if len(part) == self._options.part:
                    target.put_dropped(part)
                    part = []
            target.put_dropped(part)
        until = min(now, self._options.now) if self._options.final else reach.until
        target.kept.merged_until = max(target.kept.merged_until, until)
        target.put_sources(self._sources_merged(until))
        self._save(())
        counted = Counter(target.kept.counted)
        counted.subtract(self._before)
        offsets = {dbid: self._skew.of(dbid) for dbid in sorted({n.dbid for n in self._written})}
        return Summary(counted, offsets, reach.behind, target.kept.merged_until, self._ahead)

    def _sources_merged(self, until: float) -> list[tuple[int, str, int, int, float]]:
        """What the target says of each node, of which more than one database may have events."""
        best: dict[int, tuple[int, str, int, int, float]] = {}
        for name, reached in self._reached.items():
            if (reached.epoch, reached.number) == BEGINNING:
                continue
            end = min(self._written[name].until, until + self._skew.of(name.dbid))
            row = (name.dbid, reached.node, reached.epoch, reached.number, end)
            if name.dbid not in best or row[2:4] > best[name.dbid][2:4]:
                best[name.dbid] = row
        return list(best.values())
