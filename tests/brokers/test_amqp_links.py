"""Links of an AMQP session, with Proton's objects played."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from proton import Delivery

from ixproxy.brokers.amqp_links import MOST_SENDERS, AmqpLost, Receiver, Senders, said
from tests.deferreds import failure_of, no_result, result_of


class PlayedLink:
    def __init__(self, name: str, credit: int = 0) -> None:
        self.name = name
        self.credit = credit
        self.target = SimpleNamespace(address=None, durability=None)
        self.snd_settle_mode: Any = None
        self.remote_condition: Any = None
        self.sent: list[bytes] = []
        self.tags: list[str] = []
        self.closed = False
        self.parts: list[bytes] = []
        self.flowed = 0

    def open(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def delivery(self, tag: str) -> None:
        self.tags.append(tag)

    def send(self, encoded: bytes) -> None:
        self.credit -= 1
        self.sent.append(encoded)

    def advance(self) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return self.parts.pop(0)

    def flow(self, credit: int) -> None:
        self.flowed += credit


class PlayedSession:
    def __init__(self) -> None:
        self.links: list[PlayedLink] = []

    def sender(self, name: str) -> PlayedLink:
        self.links.append(PlayedLink(name))
        return self.links[-1]


def fire_now(call: Callable[[], object]) -> None:
    call()


def outcome(link: PlayedLink, tag: str, state: Any, condition: Any = None) -> Any:
    return SimpleNamespace(
        link=link,
        tag=tag,
        remote_state=state,
        remote=SimpleNamespace(condition=condition),
        settle=lambda: None,
    )


def condition(name: str, description: str = "") -> Any:
    return SimpleNamespace(name=name, description=description)


def test_messages_wait_for_credit_and_for_their_outcome() -> None:
    session = PlayedSession()
    senders = Senders(session, fire_now)
    first, second = senders.send("a", b"1"), senders.send("a", b"2")
    (link,) = session.links
    assert link.target.address == "a"
    assert link.sent == []
    link.credit = 1
    senders.credit_came(link)
    assert link.sent == [b"1"]
    senders.outcome_came(outcome(link, link.tags[0], Delivery.ACCEPTED))
    result_of(first)
    no_result(second)
    link.credit = 1
    senders.credit_came(link)
    refused = condition("amqp:resource-limit-exceeded", "full")
    senders.outcome_came(outcome(link, link.tags[1], Delivery.REJECTED, refused))
    lost = failure_of(second, AmqpLost)
    assert str(lost) == "a message for 'a' was rejected: amqp:resource-limit-exceeded: full"
    senders.outcome_came(outcome(link, "unknown", Delivery.ACCEPTED))
    senders.outcome_came(outcome(PlayedLink("stranger"), "d1", Delivery.ACCEPTED))
    senders.credit_came(PlayedLink("stranger"))


def test_a_link_that_the_broker_ends_fails_what_was_to_go_by_it_and_is_made_anew() -> None:
    session = PlayedSession()
    senders = Senders(session, fire_now)
    waiting = senders.send("a", b"1")
    (link,) = session.links
    link.remote_condition = condition("amqp:not-found", "no a")
    senders.closed(link)
    senders.closed(link)
    assert str(failure_of(waiting, AmqpLost)) == "the broker refuses 'a': amqp:not-found: no a"
    assert link.closed
    again = senders.send("a", b"1")
    assert len(session.links) == 2
    senders.lost(AmqpLost("gone"))
    failure_of(again, AmqpLost)


def test_links_that_are_not_used_make_room_for_others() -> None:
    session = PlayedSession()
    senders = Senders(session, fire_now)
    waiting = senders.send("busy", b"1")
    for number in range(MOST_SENDERS + 5):
        done = senders.send(f"a{number}", b"1")
        link = session.links[-1]
        link.credit = 1
        senders.credit_came(link)
        senders.outcome_came(outcome(link, link.tags[0], Delivery.ACCEPTED))
        result_of(done)
    assert sum(not link.closed for link in session.links) == MOST_SENDERS
    assert not session.links[0].closed
    no_result(waiting)
    waiting.addErrback(lambda _: None)
    senders.lost(AmqpLost("gone"))


class Receiving:
    def __init__(self, most: int = 10) -> None:
        self.came: list[tuple[bytes | None, int]] = []
        self.receiver = Receiver(
            most, fire_now, lambda _, encoded, size: self.came.append((encoded, size))
        )
        self.link = PlayedLink("inbound")

    def part(self, *parts: bytes, partial: bool = False, aborted: bool = False) -> None:
        self.link.parts = list(parts)
        link = self.link

        class Played:
            readable = True

            def __init__(self) -> None:
                self.link, self.partial, self.aborted = link, partial, aborted

            @property
            def pending(self) -> int:
                return sum(map(len, link.parts))

            def settle(self) -> None:
                pass

        self.receiver.part_came(Played())


def test_a_message_is_put_together_from_its_parts() -> None:
    receiving = Receiving()
    receiving.part(b"ab", b"c", partial=True)
    receiving.part(b"d")
    receiving.part(b"e")
    assert receiving.came == [(b"abcd", 4), (b"e", 1)]


def test_of_a_message_that_is_too_long_only_the_length_is_kept() -> None:
    receiving = Receiving(most=3)
    receiving.part(b"ab", partial=True)
    receiving.part(b"cd", partial=True)
    receiving.part(b"e")
    receiving.part(b"abc")
    assert receiving.came == [(None, 5), (b"abc", 3)]


def test_a_message_that_is_withdrawn_is_forgotten() -> None:
    receiving = Receiving()
    receiving.part(b"ab", partial=True)
    receiving.part(aborted=True)
    receiving.part(b"c")
    assert receiving.came == [(b"c", 1)]
    assert receiving.link.flowed == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "it does not say why"),
        (condition("", ""), "it does not say why"),
        (condition("amqp:not-found", "no\nqueue"), "amqp:not-found: no queue"),
    ],
)
def test_what_a_condition_says_is_one_line(given: Any, text: str) -> None:
    assert said(given) == text
    assert len(said(condition("a", "b" * 1000))) == 300
