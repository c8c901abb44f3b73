"""How much waits is counted with every row."""

from __future__ import annotations

from ixproxy.node.journal import Journal
from ixproxy.node.outbox_sizes import Outboxes, consumer_of


class Counting:
    """A store that only counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def outbox_size(self, consumer: str) -> int:
        self.asked.append(consumer)
        return 7


def test_what_is_stored_is_counted_once() -> None:
    store = Counting()
    outboxes = Outboxes(Journal())
    outboxes.use(store, ["a", "b"])  # type: ignore[arg-type]
    outboxes.use(store, ["b", "c"])  # type: ignore[arg-type]
    assert outboxes.sizes == {"a": 7, "b": 7, "c": 7}
    assert store.asked == [consumer_of(name) for name in "abc"]


def test_what_is_added_can_be_taken_back() -> None:
    journal = Journal()
    outboxes = Outboxes(journal)
    outboxes.add("a", 2)
    mark = journal.mark()
    outboxes.add("a", 1)
    outboxes.add("b", 1)
    assert outboxes.sizes == {"a": 3, "b": 1}
    journal.undo(mark)
    assert outboxes.sizes == {"a": 2}


def test_there_is_never_less_than_nothing() -> None:
    outboxes = Outboxes(Journal())
    outboxes.add("a", -1)
    assert outboxes.sizes == {"a": 0}
