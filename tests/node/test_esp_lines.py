from __future__ import annotations

from ixproxy.messages import Request3rdServer
from ixproxy.node.esp_lines import Address, Call, Line
from ixproxy.node.work import Sender


def call(session: str) -> Call:
    sender = Sender(session.encode(), session, "RoutingEngine", frozenset({1}))
    return Call(object(), sender, Request3rdServer(), Address("one"), 30.0)


def test_a_line_is_left_session_by_session() -> None:
    line = Line()
    calls = [call(session) for session in "aab"]
    for each in calls:
        line.add(each)
    assert len(line) == 3
    assert [line.next(), line.next(), line.next(), line.next()] == [
        calls[0],
        calls[2],
        calls[1],
        None,
    ]
    assert not line


def test_a_call_is_taken_out_once() -> None:
    line = Line()
    line.add(one := call("a"))
    assert list(line.of(b"a")) == [one]
    assert line.remove(one)
    assert not line.remove(one)
    assert not list(line)


def test_room_is_made_by_who_has_more() -> None:
    line = Line()
    calls = [call("a"), call("a")]
    for each in calls:
        line.add(each)
    assert line.yields(b"a") is None
    assert line.yields(b"b") is calls[1]
    assert line.yields(b"b") is None


def test_an_address_says_whom_it_means() -> None:
    assert str(Address("one")) == "AppName 'one'"
    assert str(Address(type="emailserver")) == "AppType 'emailserver'"
    assert "AppName 'one'" in repr(call("a"))
