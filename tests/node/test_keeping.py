"""What is kept for whom."""

from __future__ import annotations

from dataclasses import replace

from tests.node.tried import TriedNode


def test_each_consumer_has_a_row_of_its_own_of_an_event() -> None:
    node = TriedNode()
    node.settings = replace(node.settings, consumers=("log", "mail"))
    node.restart()
    node.submit(node.media_server())
    log, mail = (node.store.outbox(consumer, 10) for consumer in ("log", "mail"))
    assert log
    assert [row.event_number for row in log] == [row.event_number for row in mail]
    assert node.store.outbox("nobody", 10) == []
    node.discard()
