"""A client's end of STOMP, with a script for the broker."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ixproxy.capture.stomp import (
    CLOSE_SECONDS,
    OPEN_SECONDS,
    Login,
    Phase,
    StompClient,
    StompLost,
)
from ixproxy.capture.stomp_frames import Frame, FrameReader, written
from tests.deferreds import failure_of, no_result, result_of

ALICE = Login("alice", "a:b")
CONNECTED = Frame("CONNECTED", {"version": "1.2", "server": "Plays/1"})


class Played:
    """A client, and what a broker sees of it and says to it."""

    def __init__(self, login: Login = ALICE, *, connected: bool = True) -> None:
        self.clock = Clock()
        self.messages: list[Frame] = []
        self.ended: list[StompLost] = []
        self.client = StompClient(
            self.clock, login, self.messages.append, self.ended.append, most_body=100
        )
        self.transport = StringTransport()
        self._reader = FrameReader()
        protocol: Any = self.client
        protocol.makeConnection(self.transport)
        self.opening = self.sent()
        if connected:
            self.say(CONNECTED)
            result_of(self.client.opened)

    def sent(self) -> list[Frame]:
        raw = self.transport.value()
        self.transport.clear()
        return list(self._reader.feed(raw))

    def say(self, *frames: Frame) -> None:
        self.client.dataReceived(b"".join(map(written, frames)))
        self.lose_if_aborted()

    def lose_if_aborted(self) -> None:
        if self.transport.disconnecting and self.client.phase is not Phase.CLOSED:
            self.lose()

    def lose(self) -> None:
        self.client.connectionLost(Failure(ConnectionDone()))

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.lose_if_aborted()


def test_it_says_who_it_is_and_never_shows_its_password() -> None:
    login = Login("alice", "a:b", host="work")
    assert "a:b" not in repr(login)
    played = Played(login, connected=False)
    assert played.opening == [
        Frame(
            "CONNECT",
            {
                "accept-version": "1.2", "host": "work", "heart-beat": "10000,10000",
                "login": "alice", "passcode": "a:b",
            },
        )
    ]  # fmt: skip
    no_result(played.client.opened)
    played.say(CONNECTED)
    assert result_of(played.client.opened)["server"] == "Plays/1"
    assert played.client.phase is Phase.OPEN


def test_who_has_no_user_shows_none() -> None:
    (frame,) = Played(Login(heart_beat=0), connected=False).opening
    assert frame.headers == {"accept-version": "1.2", "host": "/", "heart-beat": "0,0"}


def test_requests_are_done_with_their_receipts_and_in_any_order() -> None:
    played = Played()
    first = played.client.request(Frame("SEND", {"destination": "/queue/a"}, b"1"))
    second = played.client.request(Frame("SEND", {"destination": "/queue/a"}, b"2"), text=True)
    played.client.send(Frame("ACK", {"id": "1"}))
    sent = played.sent()
    assert [frame.body for frame in sent] == [b"1", b"2", b""]
    assert ["content-length" in frame.headers for frame in sent] == [True, False, False]
    assert played.client.waiting == 2
    played.say(Frame("RECEIPT", {"receipt-id": sent[1].headers["receipt"]}))
    result_of(second)
    no_result(first)
    played.say(Frame("RECEIPT", {"receipt-id": sent[0].headers["receipt"]}))
    result_of(first)
    assert played.client.waiting == 0


def test_messages_are_handed_on_in_order() -> None:
    played = Played()
    messages = [Frame("MESSAGE", {"message-id": str(n)}, b"") for n in range(3)]
    played.say(*messages)
    assert played.messages == messages


def test_an_error_ends_all_that_waits_with_what_the_broker_said() -> None:
    played = Played()
    waiting = played.client.request(Frame("SUBSCRIBE", {"destination": "/queue/a"}))
    played.sent()
    played.say(Frame("ERROR", {"message": "access refused"}, b"not to\nyou"), CONNECTED)
    lost = failure_of(waiting, StompLost)
    assert str(lost) == "the broker refuses: access refused: not to"
    assert isinstance(lost, StompLost)
    assert lost.refused
    assert played.ended == [lost]
    assert failure_of(played.client.request(Frame("SEND"))) is lost
    played.client.send(Frame("SEND"))
    assert played.sent() == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Frame("ERROR", {}), "it does not say why"),
        (Frame("ERROR", {"message": "Bad CONNECT"}), "the broker refuses: Bad CONNECT"),
        (Frame("RECEIPT", {"receipt-id": "r1"}), "RECEIPT where CONNECTED was expected"),
        (Frame("CONNECTED", {"version": "1.1"}), "does not speak STOMP 1.2"),
        (Frame("CONNECTED", {}), "does not speak STOMP 1.2"),
        (Frame("CONNECTED", {"version": "1.2", "heart-beat": "1"}), "not two numbers"),
        (Frame("CONNECTED", {"version": "1.2", "heart-beat": "1,-1"}), "not two numbers"),
    ],
)
def test_what_goes_wrong_at_the_opening_fails_it(said: Frame, why: str) -> None:
    played = Played(connected=False)
    played.say(said)
    assert why in str(failure_of(played.client.opened, StompLost))
    assert played.ended == []
    assert played.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"HTTP/1.1 200 OK\n\n", "what is no STOMP: expected the name of a command"),
        (written(Frame("RECEIPT", {"receipt-id": "r7"})), "nobody waits for: 'r7'"),
        (written(Frame("RECEIPT", {})), "nobody waits for: ''"),
        (written(CONNECTED), "CONNECTED, which no client expects"),
    ],
)
def test_what_no_broker_says_ends_the_connection(said: bytes, why: str) -> None:
    played = Played()
    played.client.dataReceived(said)
    played.lose_if_aborted()
    (lost,) = played.ended
    assert why in str(lost)


def test_a_broker_that_does_not_answer_is_given_up() -> None:
    played = Played(connected=False)
    played.later(OPEN_SECONDS)
    assert "did not answer" in str(failure_of(played.client.opened, StompLost))


def test_a_connection_that_is_lost_says_so_once() -> None:
    played = Played()
    waiting = played.client.request(Frame("SEND"))
    played.client.connectionLost(Failure(ConnectionLost()))
    failure_of(waiting, StompLost)
    assert len(played.ended) == 1
    played = Played(connected=False)
    played.lose()
    failure_of(played.client.opened, StompLost)


def test_what_comes_after_the_first_mistake_is_not_looked_at() -> None:
    played = Played()
    played.client.dataReceived(
        written(Frame("ERROR", {"message": "first"})) + written(Frame("MESSAGE")) + b"nonsense\n\n"
    )
    assert played.messages == []
    played.client.dataReceived(written(Frame("ERROR", {"message": "second"})))
    played.lose()
    assert "first" in str(played.ended[0])


def test_hearts_beat_as_slowly_as_both_ends_wish() -> None:
    played = Played(connected=False)
    played.say(Frame("CONNECTED", {"version": "1.2", "heart-beat": "2000,15000"}))
    result_of(played.client.opened)
    beats = 0
    for _ in range(6):
        played.clock.advance(5)
        played.client.dataReceived(b"\n")
        beats += played.transport.value().count(b"\n")
        played.transport.clear()
    assert beats == 2
    assert not played.transport.disconnecting
    played.later(10)
    played.later(10)
    assert not played.ended
    played.later(10)
    assert "nothing was heard" in str(played.ended[0])
    assert played.clock.getDelayedCalls() == []


@pytest.mark.parametrize("beat", ["0,0", None])
def test_without_heart_beats_silence_means_nothing(beat: str | None) -> None:
    played = Played(connected=False)
    headers = {"version": "1.2"} | ({"heart-beat": beat} if beat else {})
    played.say(Frame("CONNECTED", headers))
    result_of(played.client.opened)
    assert played.clock.getDelayedCalls() == []


def test_it_closes_when_the_broker_has_everything() -> None:
    played = Played()
    played.client.close()
    played.client.close()
    (frame,) = played.sent()
    assert frame.command == "DISCONNECT"
    played.say(Frame("MESSAGE"))
    assert played.messages == []
    played.say(Frame("RECEIPT", {"receipt-id": frame.headers["receipt"]}))
    assert str(played.ended[0]) == "it was closed"
    assert played.clock.getDelayedCalls() == []
    played.client.close()


def test_it_closes_also_where_the_broker_says_nothing() -> None:
    played = Played()
    played.client.close()
    played.later(CLOSE_SECONDS)
    assert str(played.ended[0]) == "it was closed"
    played = Played(connected=False)
    played.client.close()
    played.lose_if_aborted()
    failure_of(played.client.opened, StompLost)


def test_a_body_that_is_too_long_is_not_kept() -> None:
    played = Played()
    played.say(Frame("MESSAGE", {"message-id": "1"}, b"x" * 101))
    assert played.messages[0].skipped == 101
