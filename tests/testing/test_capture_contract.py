"""The contract of capture points catches what it is there to catch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from twisted.internet.defer import Deferred, succeed

from ixproxy.node.intake_work import Notification
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.memory_capture import MemoryPoint
from tests.testing.test_memory_capture import MailInMemory


def failures(make: type[MemoryPoint]) -> list[str]:
    """The names of the contract's tests that such capture points fail."""

    class Suite(CapturePointContract):
        def outside(self) -> MailInMemory:
            return MailInMemory(make)

    failed = []
    for name in [each for each in dir(Suite) if each.startswith("test_")]:
        suite = Suite()
        suite.setup_method()
        try:
            getattr(suite, name)()
        except Exception:
            failed.append(name)
    return failed


class Forgetful(MemoryPoint):
    """Has the source forget what was only handed in."""

    def look(self) -> None:
        super().look()
        for name in self._given:
            self._mail.documents.pop(name, None)


class Nameless(MemoryPoint):
    """Gives no receipts."""

    def look(self) -> None:
        self._receipts = False
        super().look()


class GivesUp(MemoryPoint):
    """Never gives again what was refused."""

    def _look_later(self) -> None:
        pass


class Greedy(MemoryPoint):
    """Does not ask for room."""

    def _wait_for_room(self, intake: object) -> None:
        intake.take(next(iter(self._mail.documents.values())))  # type: ignore[attr-defined]


class Restless(MemoryPoint):
    """Goes on after its end."""

    def end(self) -> Deferred[None]:
        return succeed(None)


class Dumb(MemoryPoint):
    """Loses what it is told."""

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        return succeed(None)


class Backwards(MemoryPoint):
    """Tells the last things first."""

    def tell(self, notifications: Sequence[Notification]) -> Deferred[None]:
        return super().tell(list(reversed(notifications)))


class Talkative(MemoryPoint):
    """Has figures that are not flat."""

    def figures(self) -> Mapping[str, object]:
        return {"state": "idle", "names": list(self._mail.documents)}


class Silent(MemoryPoint):
    """Drops what is no good without a word."""

    def look(self) -> None:
        for name, document in list(self._mail.documents.items()):
            if isinstance(document, str):
                del self._mail.documents[name]
        super().look()


@pytest.mark.parametrize(
    ("make", "caught"),
    [
        (Forgetful, "test_the_source_keeps_a_document_until_it_is_taken"),
        (Nameless, "test_what_is_in_doubt_stays_and_comes_again_under_the_same_name"),
        (Nameless, "test_different_documents_have_different_names"),
        (GivesUp, "test_what_is_refused_for_now_stays_and_comes_again"),
        (Greedy, "test_it_waits_for_room_and_goes_on_once_there_is"),
        (Greedy, "test_no_more_is_handed_in_than_there_is_room_for"),
        (Restless, "test_nothing_is_handed_in_after_the_end"),
        (Dumb, "test_what_is_told_while_nobody_is_there_is_told_later"),
        (Backwards, "test_what_is_told_goes_out_in_its_order"),
        (Talkative, "test_figures_are_flat_and_small_whatever_it_does"),
        (Silent, "test_what_cannot_be_read_goes_to_the_error_place_with_the_reason"),
    ],
)
def test_a_capture_point_that_does_not_keep_it_is_found(
    make: type[MemoryPoint], caught: str
) -> None:
    assert caught in failures(make)


def test_one_that_keeps_it_is_not() -> None:
    assert failures(MemoryPoint) == []
