"""
What must be so after an event-log chaos run: pure comparisons.

Theory of operation: each node has two logs, of which one was never away: the *witness*.
First it is judged: by what clients were acknowledged, what is left in the nodes'
databases, and what somebody was told meanwhile. Then the *shaken* log is compared with
it, event by event: whatever is missing must stand in a gap, whose numbers must be those of
the witness. Looks at the shaken log amid the run are compared, too: of all that happened before
the time up to which it says that it has everything, nothing may have been missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ixproxy.testing.chaos_books import Books
from ixproxy.testing.eventlog_chaos_rows import Gap, Logged, Name, Row

SUBMITTED, STOPPED = "EventInteractionSubmitted", "EventProcessingStopped"
EXAMPLES = 5
"""So many of what is wrong are named."""


@dataclass(slots=True)
class Truth:
    """
    What is known of a run without any log.

    :ivar there: ids of the interactions that are left in the nodes' databases.
    :ivar told: the name of each event that somebody was told of, by dbid and number.
    """

    books: Books = field(default_factory=Books)
    there: set[str] = field(default_factory=set)
    told: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """
    :ivar figures: how much of what.
    :ivar wrong: what is wrong, by check: all that it concerns.
    """

    figures: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, what: str, found: Iterable[object]) -> None:
        """Something that must not be there."""
        texts = [str(each) for each in found]
        self.figures[what] = len(texts)
        if texts:
            self.wrong[what] += texts

    def sentences(self) -> list[str]:
        """What is wrong, with some examples."""
        return [
            f"{len(found)} {what}: {', '.join(found[:EXAMPLES])}"
            for what, found in self.wrong.items()
        ]


def judge(truth: Truth, witness: Logged, shaken: Logged, looks: Sequence[Logged] = ()) -> Verdict:
    """
    All checks.

    :param looks: what the shaken log had earlier.
    """
    verdict = Verdict()
    verdict.figures |= {
        "events": len(witness.rows),
        "acknowledged submits": sum(map(len, truth.books.ids.values())),
        "acknowledged stops": len(truth.books.ended),
        "told to a reporting client": len(truth.told),
    }
    _acknowledged(truth, witness, verdict)
    _told(truth, witness, verdict)
    _numbers(witness, verdict)
    _compared(witness, shaken, verdict)
    _promised(witness, looks, verdict)
    return verdict


def _acknowledged(truth: Truth, witness: Logged, verdict: Verdict) -> None:
    about = Counter(
        (row.event, (row.values or {}).get("interaction_id"))
        for row in witness.rows.values()
        if row.event in (SUBMITTED, STOPPED)
    )
    submitted = {identifier for event, identifier in about if event == SUBMITTED}
    made = {identifier for ids in truth.books.ids.values() for identifier in ids}
    verdict.count("submits that are not in the log", (made | truth.there) - submitted)
    verdict.count("submits that nobody was acknowledged", submitted - made)
    ended = set(truth.books.ended) | (submitted - truth.there)
    stopped = {identifier for event, identifier in about if event == STOPPED}
    verdict.count("stops that are not in the log", ended - stopped)
    verdict.count("stops in the log of what is there", stopped & truth.there)
    verdict.count("logged twice", (key for key, times in about.items() if times > 1))


def _told(truth: Truth, witness: Logged, verdict: Verdict) -> None:
    named = {(dbid, number): row.event for (dbid, _, number), row in witness.rows.items()}
    verdict.count(
        "told to a reporting client and not in the log",
        (f"{event} {key}" for key, event in truth.told.items() if named.get(key) != event),
    )


def _numbers(witness: Logged, verdict: Verdict) -> None:
    """An event has one number, and a later epoch goes on where the one before has ended."""
    spans: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for dbid, epoch, number in witness.rows:
        low, high = spans[dbid].get(epoch, (number, number))
        spans[dbid][epoch] = min(low, number), max(high, number)
    verdict.figures["epochs"] = sum(map(len, spans.values()))
    wrong = []
    for dbid, of_epochs in spans.items():
        last = 0
        for epoch, (low, high) in sorted(of_epochs.items()):
            if low <= last:
                wrong.append(f"{low} of epoch {epoch} of node {dbid}, after {last}")
            last = high
    verdict.count("numbers given again", wrong)
    verdict.count("events missing in the log that was never away", witness.gaps)


def _compared(witness: Logged, shaken: Logged, verdict: Verdict) -> None:
    gaps = _Gaps(shaken.gaps)
    missing = witness.rows.keys() - shaken.rows.keys()
    verdict.figures["dropped"] = sum(gap.many for gap in shaken.gaps)
    verdict.figures["gaps"] = len(shaken.gaps)
    verdict.count("lost", sorted(name for name in missing if gaps.around(name) is None))
    verdict.count(
        "doubled",
        [
            *shaken.twice,
            *witness.twice,
            *sorted(shaken.rows.keys() - witness.rows.keys()),
        ],
    )
    verdict.count(
        "different",
        (
            f"{name}: {sentence}"
            for name, row in shaken.rows.items()
            if name in witness.rows and (sentence := _difference(witness.rows[name], row))
        ),
    )
    verdict.count(
        "dropped and there",
        sorted(name for name in shaken.rows if gaps.around(name) is not None),
    )
    verdict.count("drops told wrongly", _told_wrongly(witness, shaken.gaps))


def _promised(witness: Logged, looks: Sequence[Logged], verdict: Verdict) -> None:
    verdict.figures["looks"] = len(looks)
    early = []
    for look in looks:
        gaps = _Gaps(look.gaps)
        for name, row in witness.rows.items():
            promised = row.at < look.until.get(name[0], 0.0)
            if promised and name not in look.rows and gaps.around(name) is None:
                early.append(f"{name}, {look.until[name[0]] - row.at:.3f} s before")
    verdict.count("missing though the log said that it had all until later", early)


def _difference(one: Row, other: Row) -> str:
    """In what two logs do not agree about an event; empty: in nothing that both have."""
    for what in ("event", "at", "table"):
        if getattr(one, what) != getattr(other, what):
            return f"{what} {getattr(one, what)!r} and {getattr(other, what)!r}"
    if one.values is None or other.values is None:
        return ""
    for key in sorted(one.values.keys() | other.values.keys()):
        if one.values.get(key) != other.values.get(key):
            return f"{key} {one.values.get(key)!r} and {other.values.get(key)!r}"
    return ""


def _told_wrongly(witness: Logged, gaps: Iterable[Gap]) -> Iterator[str]:
    """Gaps whose numbers are not those of what the witness has there."""
    ordered: dict[tuple[int, int], list[tuple[int, Row]]] = defaultdict(list)
    for (dbid, epoch, number), row in witness.rows.items():
        ordered[dbid, epoch].append((number, row))
    for gap in gaps:
        there = sorted(
            (number, row.event, row.at)
            for number, row in ordered[gap.dbid, gap.epoch]
            if gap.first <= number <= gap.last
        )
        said = gap.first, gap.first_time, gap.last, gap.last_time, dict(gap.events)
        if not there:
            yield f"{said}: nothing happened there"
            continue
        counted: Mapping[str, int] = Counter(event for _, event, _ in there)
        first, last = there[0], there[-1]
        so = first[0], first[2], last[0], last[2], dict(counted)
        if so != said:
            yield f"{said}: it was {so}"


class _Gaps:
    """Finds the gap that a number is in."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        self._of: dict[tuple[int, int], list[Gap]] = defaultdict(list)
        for gap in gaps:
            self._of[gap.dbid, gap.epoch].append(gap)

    def around(self, name: Name) -> Gap | None:
        dbid, epoch, number = name
        for gap in self._of.get((dbid, epoch), ()):
            if gap.first <= number <= gap.last:
                return gap
        return None
