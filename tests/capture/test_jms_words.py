"""The words between the halves of the capture point `jms`."""

from __future__ import annotations

from ixproxy.capture.jms_words import LinkLost, Received


def test_messages_are_compared_by_what_they_say() -> None:
    assert Received(b"a", "M1", token=1) == Received(b"a", "M1", token=2)
    assert Received(b"a", "M1") != Received(b"a", "M2")


def test_a_lost_link_says_whether_it_was_the_broker_that_said_no() -> None:
    assert str(LinkLost("gone")) == "gone"
    assert not LinkLost("gone").refused
    assert LinkLost("not you", refused=True).refused
