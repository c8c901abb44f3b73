"""The books of a load."""

from __future__ import annotations

from ixproxy.cli.load_ledger import MOST_QUEUES, Ledger


def verdict(ledger: Ledger) -> bool | None:
    return ledger.right


def test_what_was_handed_in_and_not_stopped_waits_at_the_end() -> None:
    ledger = Ledger(submitted=10, stopped=4, waiting_before=3, waiting_after=9)
    assert ledger.expected == (6, 6)
    assert verdict(ledger) is True
    assert "that is right" in ledger.lines()[-1]
    ledger.waiting_after = 8
    assert verdict(ledger) is False
    assert "+5, where +6 would be right" in ledger.lines()[-1]


def test_doubts_make_room_in_both_directions() -> None:
    ledger = Ledger(submitted=10, doubtful_submits=2, doubtful_stops=1, waiting_before=0)
    assert ledger.expected == (9, 12)
    for after, right in ((8, False), (9, True), (12, True), (13, False)):
        ledger.waiting_after = after
        assert ledger.right is right
    assert "+9 to +12" in ledger.lines()[-1]
    assert "3 are in doubt: they may have been carried out" in ledger.lines()


def test_without_queue_lengths_nothing_is_claimed() -> None:
    ledger = Ledger(submitted=1)
    assert ledger.right is None
    assert ledger.lines()[-1] == "how much waits in the queues is not known"


def test_what_two_clients_have_at_once_is_wrong() -> None:
    ledger = Ledger()
    ledger.took("a", 1)
    ledger.took("a", 2)
    assert (ledger.taken_twice, ledger.right) == (1, False)
    assert any("handed to two clients" in line for line in ledger.lines())


def test_what_its_holder_is_giving_back_may_be_taken_before_it_hears_of_it() -> None:
    ledger = Ledger()
    ledger.took("a", 1)
    ledger.leaving.add("a")
    ledger.took("a", 2)
    ledger.gone("a", 1)
    assert ledger.taken_twice == 0
    assert ledger.held == {"a": 2}


def test_what_vanished_is_wrong_unless_a_node_says_that_it_took_it_back() -> None:
    ledger = Ledger()
    ledger.took("a", 1)
    ledger.lost("a", 1)
    assert verdict(ledger) is False
    assert any("vanished" in line for line in ledger.lines())
    assert ledger.revoked("a", 1)
    assert (verdict(ledger), ledger.returned) == (None, 1)
    assert not ledger.revoked("a", 1)


def test_what_was_fetched_from_a_workbin_goes_back_there() -> None:
    ledger = Ledger(laid=3)
    ledger.took("a", 1, fetched=True)
    ledger.took("b", 1, fetched=True)
    ledger.took("c", 1)
    ledger.gone("b", 1)
    assert (ledger.laid, ledger.fetched) == (3, 2)
    ledger.all_returned()
    assert (ledger.laid, ledger.returned) == (4, 2)
    assert ledger.expected == (-2, -2)
    assert "4 laid into workbins, 2 fetched from there" in ledger.lines()


def test_queues_are_remembered_up_to_a_limit() -> None:
    ledger = Ledger()
    for number in range(MOST_QUEUES + 5):
        ledger.handed_into(f"Q{number}")
    assert len(ledger.queues) == MOST_QUEUES


def test_the_record_has_all_of_it() -> None:
    record = Ledger(submitted=3, stopped=1, waiting_before=0, waiting_after=2).record()
    assert record["right"] is True
    assert record["waiting"] == {"before": 0, "after": 2, "expected_more": [2, 2]}
