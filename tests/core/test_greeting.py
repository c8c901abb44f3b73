"""The proxy's own registration on a node: the first word on every link."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ixproxy.core.link_states import State
from ixproxy.effects import Note, ResetLink
from ixproxy.errors import Code
from ixproxy.messages import EventAck, RequestRegisterClient, ServerFacts
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Frame, write_frame
from tests.core.chained import INNER, UPSTREAM, Outer
from tests.core.rig import EAST, Rig, decode, facts, only


def greeted() -> tuple[Rig, Frame]:
    """A node has just accepted the connection."""
    rig = Rig([facts(EAST)], link=False, min_peer_frame=10_000)
    rig.core.node_connected(EAST, rig.now)
    rig.pump()
    return rig, only(rig.sent(EAST))


def says(**more: Any) -> EventAck:
    values: dict[str, Any] = {"name": "east", "role": "node", "dbid": 101, "epoch": 3, **more}
    return EventAck(server=ServerFacts(**values))


def refused(rig: Rig) -> str:
    """Why the link is given up: the log and the effect say the same."""
    reset = only([effect for effect in rig.effects if isinstance(effect, ResetLink)])
    note = only([effect for effect in rig.effects if isinstance(effect, Note)])
    assert (reset.node, note.level, note.fields["link"]) == (EAST, "error", "Node east")
    assert note.fields["reason"] == reset.reason
    return str(reset.reason)


def test_the_proxy_registers_as_what_it_is() -> None:
    _, frame = greeted()
    assert decode(frame) == RequestRegisterClient(
        client_name="proxy", client_type="Proxy", path=["proxy"]
    )
    assert frame.client == 0


def test_a_node_that_answers_is_met_with_all_clients() -> None:
    rig, frame = greeted()
    link = rig.core.link(EAST)
    assert link.state is State.GREETING
    rig.answer(EAST, frame, says(max_frame=20_000))
    assert link.linked
    assert (link.server.epoch, link.max_frame) == (3, 20_000)
    assert rig.core.state.counters["greetings"] == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(dbid=102), ("102", "101")),
        (says(max_frame=9_999), ("9999", "10000")),
        (EventAck(), ("server",)),
    ],
)
def test_a_node_that_cannot_be_used_is_named_with_the_reason(
    answer: Message, words: tuple[str, ...]
) -> None:
    rig, frame = greeted()
    rig.answer(EAST, frame, answer)
    reason = refused(rig)
    assert all(word in reason for word in words)
    assert rig.core.link(EAST).state is State.GREETING
    assert rig.core.state.counters["greetings"] == 0


def test_a_node_without_a_database_id_of_its_own_is_taken_at_its_word() -> None:
    rig, frame = greeted()
    rig.answer(EAST, frame, says(dbid=0))
    assert rig.core.link(EAST).linked


def test_a_refusal_is_passed_on_to_the_operator() -> None:
    rig, frame = greeted()
    rig.refuse(EAST, frame, Code.NOT_ALLOWED)
    assert str(Code.NOT_ALLOWED) in refused(rig)


def test_a_silent_node_is_given_up_and_greeted_again_when_it_is_back() -> None:
    rig, frame = greeted()
    rig.tick(31.0)
    assert "does not answer" in refused(rig)
    rig.lose(EAST)
    rig.answer(EAST, frame, says())
    assert rig.core.link(EAST).state is State.DOWN, "that was another connection's answer"
    rig.link(EAST)
    assert rig.core.link(EAST).linked


def test_a_link_that_goes_before_the_answer_is_no_news() -> None:
    rig, _ = greeted()
    rig.lose(EAST)
    assert not rig.effects
    assert not rig.core.link(EAST).pending.count


@pytest.mark.parametrize("body", [b"\x81\xa1k", b"\x81\xa6Server\x05"])
def test_a_node_that_talks_nonsense_is_given_up(body: bytes) -> None:
    rig, frame = greeted()
    rig.from_node(EAST, write_frame(Kind.REPLY, 1000, reference=frame.reference, body=body))
    reset = [effect for effect in rig.effects if isinstance(effect, ResetLink)]
    assert {effect.node for effect in reset} == {EAST}
    assert rig.core.link(EAST).state is State.DOWN


def test_what_a_node_sends_before_it_is_greeted_goes_nowhere() -> None:
    rig, _ = greeted()
    rig.from_node(EAST, encode(EventAck(), client=4, reference=8))
    assert rig.core.state.counters["late answers"] == 1
    assert rig.core.link(EAST).state is State.GREETING


def test_an_upstream_whose_path_leads_back_here_is_not_used() -> None:
    """Test idea 55, the loop guard: the log names the path."""
    rig = Outer(link=False)
    rig.core.node_connected(UPSTREAM, rig.now)
    rig.pump()
    server = replace(INNER, path=["proxy1", "proxy9", "edge"])
    rig.answer(UPSTREAM, only(rig.sent(UPSTREAM)), EventAck(server=server))
    reset = only([effect for effect in rig.effects if isinstance(effect, ResetLink)])
    assert "proxy1" in reset.reason
    assert "loop" in reset.reason
    assert not rig.core.link(UPSTREAM).speaks


@pytest.mark.parametrize("proxy", [True, False])
def test_a_node_where_a_proxy_is_configured_is_not_used_and_neither_is_the_reverse(
    proxy: bool,
) -> None:
    rig = Outer(link=False) if proxy else Rig([facts(EAST)], link=False)
    name = UPSTREAM if proxy else EAST
    rig.core.node_connected(name, rig.now)
    rig.pump()
    other = says() if proxy else EventAck(server=INNER)
    rig.answer(name, only(rig.sent(name)), other)
    reset = only([effect for effect in rig.effects if isinstance(effect, ResetLink)])
    assert reset.reason == (
        "it is a node, a proxy is configured" if proxy else "it is a proxy, a node is configured"
    )
