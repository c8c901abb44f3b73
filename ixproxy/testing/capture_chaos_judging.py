"""What must be so after a capture chaos run: the node's database against the source's books."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ixproxy.testing.capture_chaos_words import Given, Sort, Told

EXAMPLES = 5
"""So many of what is wrong are named."""

EXPECTED_REASON: Mapping[Sort, tuple[str, ...]] = {
    Sort.TORN: ("well-formed", "JSON", "binary"),
    Sort.VERB: ("explode",),
    Sort.REFUSED: ("Nowhere", "queue", "3032"),
}
"""Of these one must be in the reason why a document is in the error place."""

UNUSABLE = frozenset({Sort.TORN, Sort.VERB})
"""Of these nothing can be done as a whole."""

REPLIES = frozenset({"submitted", "error"})
"""What is said as a reply; all documents of a run only submit."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    What there is in the end.

    :ivar rows: ids of the node's interactions by their external ids.
    :ivar left: documents that the source still has.
    :ivar outbox: what still waits to be told.
    :ivar errors: reasons by documents in the error place.
    :ivar documents: how often the source holds a document as one of its own, where not once.
    :ivar copies: how often each is among those that are done; None: they are not kept.
    :ivar held: external ids of what somebody else holds for certain; `tried`: perhaps.
    """

    rows: Mapping[str, Sequence[str]]
    left: int
    outbox: int
    errors: Mapping[str, Sequence[str]]
    told: Sequence[Told]
    documents: Mapping[str, int] = field(default_factory=dict)
    copies: Mapping[str, int] | None = None
    held: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Promises:
    """
    What a run is held to.

    :ivar once: no document is done twice.
    :ivar by_external_id: not even one that its source holds twice.
    :ivar replies: operations are answered; `notified`: the source hears of what others do.
    :ivar told_of_bad: it hears of documents of which nothing can be done, too.
    :ivar tell_once: what is no reply is not told twice, and may be lost.
    :ivar ordered: `told` is in order.
    """

    once: bool = True
    by_external_id: bool = False
    replies: bool = True
    told_of_bad: bool = False
    notified: bool = True
    tell_once: bool = False
    ordered: bool = False


@dataclass(slots=True)
class Verdict:
    """
    :ivar figures: how much of what.
    :ivar wrong: what is wrong, by check: all that it concerns.
    """

    figures: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, what: str, names: Iterable[str], wrong: bool = True) -> None:
        """Something that should not be there."""
        found = list(names)
        self.figures[what] = len(found)
        if found and wrong:
            self.wrong[what] += found

    def sentences(self) -> list[str]:
        """What is wrong, with some examples."""
        return [
            f"{len(found)} {what}: {', '.join(found[:EXAMPLES])}"
            for what, found in self.wrong.items()
        ]


def judge(given: Sequence[Given], found: Found, promises: Promises) -> Verdict:
    """Compare what was given with what there is."""
    verdict = Verdict()
    for check in (_interactions, _error_place, _copies):
        check(given, found, promises, verdict)
    verdict.count("stranded in the source", ["documents"] * found.left)
    verdict.count("left in the outbox", ["notifications"] * found.outbox)
    _tellings(found, promises, verdict)
    if promises.replies:
        _replies(given, found, promises, verdict)
    if promises.notified:
        _notifications(found, promises, verdict)
    return verdict


Check = Callable[[Sequence[Given], Found, Promises, Verdict], None]


def _interactions(
    given: Sequence[Given], found: Found, promises: Promises, verdict: Verdict
) -> None:
    expected = {
        id: 1 if promises.by_external_id else found.documents.get(each.name, 1)
        for each in given
        for id in each.submits
    }
    there = {id: len(rows) for id, rows in found.rows.items()}
    verdict.count("lost", [id for id, times in expected.items() if there.get(id, 0) < times])
    verdict.count(
        "doubled", [id for id, times in expected.items() if there.get(id, 0) > times], promises.once
    )
    verdict.count("strange interactions", there.keys() - expected.keys())


def _error_place(
    given: Sequence[Given], found: Found, promises: Promises, verdict: Verdict
) -> None:
    bad = {each.name: each.sort for each in given if each.bad}
    verdict.count("bad documents not in the error place", bad.keys() - found.errors.keys())
    verdict.count("good documents in the error place", found.errors.keys() - bad.keys())
    verdict.count(
        "without the right reason",
        [
            f"{name} ({reason!r})"
            for name, sort in bad.items()
            for reason in found.errors.get(name, ())
            if not any(word in reason for word in EXPECTED_REASON[sort])
        ],
    )
    twice = [name for name, reasons in found.errors.items() if len(reasons) > 1]
    verdict.count("twice in the error place", twice, wrong=False)


def _copies(given: Sequence[Given], found: Found, promises: Promises, verdict: Verdict) -> None:
    if found.copies is None:
        return
    good = {each.name for each in given if not each.bad}
    verdict.count("without a copy", good - found.copies.keys())
    verdict.count("copies of nobody", found.copies.keys() - good)
    twice = [name for name, times in found.copies.items() if times > 1]
    verdict.count("copied twice", twice, wrong=False)


def _tellings(found: Found, promises: Promises, verdict: Verdict) -> None:
    """What is told twice has the same number, and what is told in order has rising ones."""
    numbers = Counter((told.said, told.number) for told in found.told)
    again = {f"{said} {number}": said for (said, number), times in numbers.items() if times > 1}
    verdict.count("told again", again, wrong=False)
    unasked = [what for what, said in again.items() if said not in REPLIES]
    verdict.count("told again unasked", unasked, promises.tell_once)
    unreadable = [told.said for told in found.told if not told.said.isidentifier()]
    known = [said for said in unreadable if said.startswith("unreadable")]
    verdict.count("unreadable notifications", known)
    if promises.ordered:
        firsts = list(dict.fromkeys(told.number for told in found.told if told.number))
        later = [b for a, b in pairwise(firsts) if _order(b) < _order(a)]
        verdict.count("told out of order", later)
    by_id = {id: set(rows) for id, rows in found.rows.items()}
    misled = [
        f"{told.external_id} ({told.interaction_id})"
        for told in found.told
        if told.said == "submitted" and told.interaction_id not in by_id.get(told.external_id, ())
    ]
    verdict.count("told of interactions that there are not", misled)


def _order(number: str) -> int:
    return int(number.rpartition("-")[2])


def _replies(given: Sequence[Given], found: Found, promises: Promises, verdict: Verdict) -> None:
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for told in found.told:
        answers[told.said, told.external_id].add(told.number)
    expected: dict[tuple[str, str], int] = {}
    for each in given:
        times = found.documents.get(each.name, 1)
        expected |= dict.fromkeys((("submitted", id) for id in each.submits), times)
        expected |= dict.fromkeys((("error", id) for id in each.refused), times)
    without = [id for key, _ in expected.items() if not answers[key] for id in (key[1],)]
    verdict.count("without a reply", without)
    more = [
        f"{said} {id}" for (said, id), times in expected.items() if len(answers[said, id]) > times
    ]
    verdict.count("replied to twice", more, promises.once and not promises.by_external_id)
    unnamed = [("error", "")] if promises.told_of_bad else []
    strange = [
        f"{said} {id}"
        for (said, id), numbers in answers.items()
        if said in REPLIES and numbers and (said, id) not in (*expected, *unnamed)
    ]
    verdict.count("strange replies", strange)
    if promises.told_of_bad:
        # They have no operation, so no id of one. Each may be replied to again.
        bad = sum(each.sort in UNUSABLE for each in given)
        heard = {(told.said, told.external_id, told.document) for told in found.told}
        missing = bad - sum(each[:2] == ("error", "") for each in heard)
        verdict.count("bad documents without a reply", ["documents"] * missing)


def _notifications(found: Found, promises: Promises, verdict: Verdict) -> None:
    held: dict[str, set[str]] = defaultdict(set)
    for told in found.told:
        if told.said == "held":
            held[told.external_id].add(told.number)
    verdict.figures["held by others"] = len(found.held)
    verdict.count("not told that others hold it", found.held - held.keys(), not promises.tell_once)
    verdict.count("told of holds that there were not", held.keys() - found.tried)
    verdict.count("told of one hold twice", [id for id, all in held.items() if len(all) > 1])
