"""The file capture point on a real reactor: real threads, and what the kernel says."""

from __future__ import annotations

from typing import Any

from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from ixproxy.node.intake_work import Document, Said
from ixproxy.testing.fake_intake import FakeIntake, Teller, notification
from tests.capture.folders import Folders, document


class Awaited(FakeIntake):
    """An intake that fires when it has as many documents as somebody waits for."""

    def until(self, count: int) -> Deferred[None]:
        self._wanted, self._fired = count, Deferred[None]()
        return self._fired

    def take(self, document: Document) -> Any:
        taken = super().take(document)
        if len(self.documents) == self._wanted:
            taken.addCallback(self._tell)
        return taken

    def _tell(self, taken: Any) -> Any:
        self.reactor.callLater(0, self._fired.callback, None)
        return taken


@ensureDeferred
async def test_what_is_finished_is_taken_without_waiting_for_the_next_scan(
    real_reactor: Any,
) -> None:
    there = Folders(real_reactor, scan_interval=3600.0)
    point, intake = there.make_point(), Awaited(real_reactor)
    first = intake.until(3)
    # Whatever lies there when it begins is found by the first scan, and finished by the second;
    # what comes later is finished when it is closed or moved in.
    point.begin(intake)
    while not point.figures().get("watching"):
        await _turn(real_reactor)
    there.give("a")
    (there.inbound / "b.xml").write_bytes(document("b"))
    there.give_bad("bad")
    there.give("c")
    await first
    assert sorted(each.operations[0].external_id for each in intake.taken) == ["a", "b", "c"]
    while there.left():
        await _turn(real_reactor)
    assert list(there.errors()) == ["bad"]
    await point.end()
    there.close()


@ensureDeferred
async def test_very_many_are_taken_and_told_in_threads(real_reactor: Any) -> None:
    there = Folders(real_reactor, scan_interval=0.1)
    count = 500
    names = [f"d{number:04d}" for number in range(count)]
    for name in names[: count // 2]:
        there.give(name)
    point, intake = there.make_point(), Awaited(real_reactor, most=40)
    done = intake.until(count)
    point.begin(intake)
    for name in names[count // 2 :]:
        there.give(name)
    await done
    assert sorted(each.operations[0].external_id for each in intake.taken) == names
    assert intake.crowded == 0
    while there.left():
        await _turn(real_reactor)
    assert len(list(there.processed.iterdir())) == count
    teller = Teller(real_reactor, point)
    teller.tell(*[notification(Said.STOPPED, f"X{number}") for number in range(50)])
    while teller.waiting:
        await _turn(real_reactor)
    assert there.told() == [("stopped", f"X{number}") for number in range(50)]
    await point.end()
    there.close()


def _turn(reactor: Any) -> Deferred[None]:
    turn: Deferred[None] = Deferred()
    reactor.callLater(0.01, turn.callback, None)
    return turn
