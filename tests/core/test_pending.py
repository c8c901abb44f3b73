"""Requests in flight on one link."""

from __future__ import annotations

from ixproxy.core.pending import Deadline, Pending, PendingTable


def request(due: float = 10.0) -> Pending:
    return Pending(None, 1, 44, "a", due)


def test_an_answer_finds_its_request_by_the_reference_alone() -> None:
    table = PendingTable()
    entries = {table.add(pending, d): pending for d in Deadline for pending in (request(),)}
    assert all(table.get(reference) is pending for reference, pending in entries.items())
    assert table.count == len(entries) == len(Deadline) == 4
    for reference in entries:
        table.remove(reference)
        table.remove(reference)
    assert table.count == 0
    assert table.get(3) is None
    assert table.get(12345) is None


def test_a_reference_in_use_is_skipped_when_numbers_wrap() -> None:
    table = PendingTable()
    first = table.add(request())
    table._last = (1 << 32) - 4
    assert table.add(request()) != first
    assert 0 not in dict(table)


def test_the_sweep_finds_what_is_due_in_every_class_and_not_what_is_abandoned() -> None:
    table = PendingTable()
    early = [table.add(request(5.0), deadline) for deadline in Deadline]
    for deadline in Deadline:
        table.add(request(50.0), deadline)
    late_own = table.add(request(4.0), Deadline.OWN)
    assert {reference for reference, _ in table.overdue(6.0)} == {*early, late_own}
    for _, pending in table.overdue(6.0):
        pending.abandoned = True
    assert not table.overdue(6.0)
    assert table.count == 2 * len(Deadline) + 1


def test_a_lost_link_hands_everything_over_once() -> None:
    table = PendingTable()
    pending = [request(), request()]
    for each in pending:
        table.add(each)
    assert [each for _, each in table.clear()] == pending
    assert not table.clear()
    assert table.count == 0
