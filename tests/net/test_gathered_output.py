"""The output half of a connection: bounded, shared while it waits, handed on as it is read."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import StringTransport

from ixproxy.net.gathered_output import AT_ONCE
from tests.net.test_connection import Ends


class Filling(StringTransport):
    """A transport that has enough buffered after each write, as Twisted's is above 64 KiB."""

    def write(self, raw: bytes) -> None:
        super().write(raw)  # type: ignore[no-untyped-call]
        producer: Any = self.producer
        producer.pauseProducing()


def filling() -> StringTransport:
    return Filling()  # type: ignore[no-untyped-call]


def test_a_long_backlog_is_handed_on_as_the_peer_reads_and_stays_shared_until_then() -> None:
    ends = Ends(filling(), output_limit=1 << 20)
    piece = bytes(AT_ONCE // 2)
    ends.connection.send_all([piece] * 9)
    handed = [len(ends.turn())]
    while ends.connection.backlog:
        assert ends.turn() == b"", "it does not read"
        ends.connection.resumeProducing()
        handed.append(len(ends.turn()))
    assert handed == [AT_ONCE] * 4 + [AT_ONCE // 2]


def test_what_a_peer_was_allowed_on_top_of_its_limit_is_allowed_until_it_has_read_that() -> None:
    ends = Ends(output_limit=1000)
    ends.connection.pauseProducing()
    ends.connection.allow(5000)
    ends.connection.allow(3000)
    ends.connection.send(bytes(5500))
    assert ends.told.events == ["made"]
    ends.connection.send(bytes(600))
    assert ends.told.events == ["made", "exceeded"]
    ends.connection.resumeProducing()
    ends.turn()
    assert ends.told.events == ["made", "exceeded", "drained"]
    ends.connection.pauseProducing()
    ends.connection.send(bytes(1001))
    assert ends.told.events[-1] == "exceeded", "once it was read the limit is the limit"


def test_a_backlog_within_its_limit_again_is_drained_though_not_all_of_it_is_read() -> None:
    ends = Ends(filling(), output_limit=AT_ONCE)
    ends.connection.pauseProducing()
    ends.connection.send_all([bytes(AT_ONCE)] * 2)
    ends.connection.resumeProducing()
    ends.turn()
    assert ends.told.events == ["made", "exceeded", "drained"]


def test_closing_hands_on_all_of_a_long_backlog() -> None:
    ends = Ends(filling(), output_limit=1 << 20)
    ends.connection.send_all([bytes(AT_ONCE)] * 3)
    ends.connection.close("enough")
    assert len(ends.turn()) == 3 * AT_ONCE
