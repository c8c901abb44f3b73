"""Where frames go."""

from __future__ import annotations

from ixproxy.core.destinations import Destination, Outputs


def test_a_destination_is_dirty_once_however_much_it_was_sent() -> None:
    outputs = Outputs()
    one, other = Destination(outputs), Destination(outputs)
    for number in range(3):
        one.send(b"%d" % number)
    other.send(b"x")
    assert outputs.drain() == [one, other]
    assert one.take() == [b"0", b"1", b"2"]
    assert other.take() == [b"x"]
    assert not outputs.drain()


def test_what_is_sent_after_it_was_taken_makes_it_dirty_again() -> None:
    outputs = Outputs()
    one = Destination(outputs)
    one.send(b"a")
    outputs.drain()[0].take()
    one.send(b"b")
    assert outputs.drain() == [one]
    assert one.take() == [b"b"]


def test_what_is_for_many_goes_to_all_at_once_unless_somebody_has_something_to_send() -> None:
    outputs = Outputs()
    one, other = Destination(outputs), Destination(outputs)
    outputs.share(b"a", (one, other))
    one.send(b"b")
    outputs.share(b"c", (one, other))
    assert outputs.drain_shared() == [(b"a", (one, other))]
    assert not outputs.drain_shared()
    assert outputs.drain() == [one, other]
    assert (one.take(), other.take()) == ([b"b", b"c"], [b"c"])
