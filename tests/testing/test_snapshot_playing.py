from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.client import Answer
from ixproxy.errors import Code
from ixproxy.messages.message import Message, Request
from ixproxy.testing.snapshot_playing import UNKNOWN, PlayedSnapshots
from ixproxy.testing.steps import ReadAll
from tests.deferreds import result_of

TAKE = m.RequestTakeSnapshot(tenant_id=1)
LOCK = m.RequestLockInteraction(tenant_id=1, snapshot_id=1, interaction_id="i")
MOVE = m.RequestMoveInteractions(tenant_id=1, snapshot_id=1, queue="Done")


def said(message: Message) -> Answer:
    """An answer as a client has it."""
    return Answer(message, False)


def reading(pages: Sequence[Any], at_once: int = 2) -> Any:
    """All of a snapshot that is answered with these pages; what was asked is checked."""
    given = iter(pages)
    positions = 0

    async def ask(client: int, request: Request) -> Any:
        nonlocal positions
        assert isinstance(request, m.RequestGetSnapshotInteractions)
        asked = client, request.start_from, request.number_of_interactions
        assert asked == (3, positions, at_once)
        page = next(given)
        if isinstance(page, m.EventSnapshotInteractions):
            positions += len(page.interactions) + len(page.errors)
            return said(page)
        return page

    whole = PlayedSnapshots().read_all(ReadAll(3, 1, at_once), ask)
    return result_of(Deferred.fromCoroutine(whole))


def page(*ids: str, left: Sequence[str] = (), more: bool = False) -> m.EventSnapshotInteractions:
    return m.EventSnapshotInteractions(
        interactions={each: {"k": each} for each in ids},
        errors=dict.fromkeys(left, 43),
        have_more=more,
    )


def test_a_snapshot_is_known_by_the_number_of_its_take() -> None:
    played = PlayedSnapshots()
    assert played.with_id(MOVE).snapshot_id == UNKNOWN  # type: ignore[attr-defined]
    played.answered(TAKE, said(m.EventSnapshotTaken(snapshot_id=77)))
    assert played.with_id(MOVE).snapshot_id == 77  # type: ignore[attr-defined]
    assert played.with_id(TAKE) is TAKE


def test_a_take_that_was_refused_has_its_number_too() -> None:
    played = PlayedSnapshots()
    refusal = (Code.INVALID_CONDITION, "", False)
    assert played.answered(TAKE, refusal) == refusal
    played.answered(TAKE, said(m.EventSnapshotTaken(snapshot_id=77)))
    assert played.with_id(MOVE).snapshot_id == UNKNOWN  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("request_", "code", "as_"),
    [
        (MOVE, Code.UNKNOWN_SNAPSHOT, Code.SNAPSHOT_NOT_ACCESSIBLE),
        (LOCK, Code.SNAPSHOT_NOT_ACCESSIBLE, Code.SNAPSHOT_NOT_ACCESSIBLE),
        (LOCK, Code.UNKNOWN_INTERACTION, Code.NOT_IN_SNAPSHOT),
        (LOCK, Code.NOT_IN_SNAPSHOT, Code.NOT_IN_SNAPSHOT),
    ],
)
def test_refusals_that_mean_the_same_are_the_same(request_: Request, code: int, as_: int) -> None:
    assert PlayedSnapshots().answered(request_, (code, "words", False)) == (as_, "", False)


def test_all_other_refusals_are_as_they_are() -> None:
    played = PlayedSnapshots()
    for request, code in ((MOVE, Code.UNKNOWN_QUEUE), (LOCK, Code.LOCKED), (MOVE, 43)):
        assert played.answered(request, (code, "words", True)) == (code, "words", True)
    stop = m.RequestStopProcessing(tenant_id=1, interaction_id="i")
    assert played.answered(stop, (43, "words", False)) == (43, "words", False)


def test_pages_are_read_until_the_last_and_are_one() -> None:
    pages = [page("b", "a", more=True), page("c", left=["d"], more=True), page("e")]
    assert reading(pages) == {
        "Interactions": {each: {"k": each} for each in "abce"},
        "Errors": {"d": 43},
    }


def test_a_refusal_ends_the_reading() -> None:
    refusal = (Code.SNAPSHOT_NOT_ACCESSIBLE, "", False)
    assert reading([page("a", "b", more=True), refusal]) == refusal


def test_an_interaction_on_two_pages_and_a_short_page_are_found_out() -> None:
    with pytest.raises(AssertionError, match="twice"):
        reading([page("a", "b", more=True), page("b")])
    with pytest.raises(AssertionError, match="too short"):
        reading([page("a", more=True)])


def test_a_snapshot_that_never_ends_is_found_out() -> None:
    pages = [page(f"a{n}", f"b{n}", more=True) for n in range(1001)]
    with pytest.raises(AssertionError, match="never ends"):
        reading(pages)
