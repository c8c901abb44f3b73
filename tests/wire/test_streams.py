"""What belongs into a reporting stream, and its numbers."""

from __future__ import annotations

import pytest

from ixproxy.errors import RequestRefused
from ixproxy.messages import (
    EventAgentLogin,
    EventMassAgentLogout,
    EventPartyAdded,
    EventPlaceAgentState,
    EventPlacedInQueue,
)
from ixproxy.messages.message import Party
from ixproxy.wire.streams import Numbering, StreamKey, filter_of, numbered, tenants_of

LOGIN = EventAgentLogin(tenant_id=1, agent_id="anna", place_id="desk")
JOINED = EventPartyAdded(
    tenant_id=1, media_type="chat", party=Party(agent_id="bert", place_id="desk-2")
)
PLACED = EventPlacedInQueue(tenant_id=1, media_type="email")


def test_a_stream_has_what_is_about_its_tenants() -> None:
    stream = filter_of({1}, {})
    assert stream.accepts(LOGIN)
    assert stream.accepts(PLACED)
    assert not filter_of({2}, {}).accepts(LOGIN)
    assert not stream.narrows


def test_a_filter_narrows_by_event_media_type_agent_and_place() -> None:
    assert not filter_of({1}, {"Events": {"EventPartyAdded": 1}}).accepts(LOGIN)
    assert filter_of({1}, {"Events": ["EventAgentLogin"]}).accepts(LOGIN)
    chats = filter_of({1}, {"MediaTypes": {"chat": 1}})
    assert [chats.accepts(each) for each in (LOGIN, JOINED, PLACED)] == [True, True, False]
    assert filter_of({1}, {"Agents": {"bert": 1}}).accepts(JOINED)
    desk = filter_of({1}, {}, places=["desk"])
    assert [desk.accepts(each) for each in (LOGIN, JOINED, PLACED)] == [True, False, False]
    both = filter_of({1}, {}, places=["desk"], agents=["bert"])
    assert both.accepts(LOGIN)
    assert both.accepts(JOINED)


@pytest.mark.parametrize(
    "given", [{"Colour": {}}, {"Events": 1}, {"Events": ["EventNonsense"]}, {"Agents": [1]}]
)
def test_a_filter_that_makes_no_sense_is_refused_with_its_key(given: dict[str, object]) -> None:
    with pytest.raises(RequestRefused, match=next(iter(given))):
        filter_of({1}, given)


def test_tenants_are_named_by_values() -> None:
    assert tenants_of({"Tenant": "101", "other": 7}) == {101, 7}
    for bad in ("x", 0, True, 1.5, None):
        with pytest.raises(RequestRefused, match="Tenant"):
            tenants_of({"Tenant": bad})


def test_events_of_a_stream_are_numbered_from_1() -> None:
    numbering = Numbering()
    first, second = numbered(LOGIN, numbering.next()), numbered(JOINED, numbering.next(), 1)
    assert first.reporting_event_sequence_number == 1
    assert (second.reporting_event_sequence_number, second.previous_sequence_number) == (2, 1)


def test_a_stream_of_several_filters_has_what_any_of_them_lets_pass() -> None:
    key = StreamKey(frozenset([filter_of({1}, {}, agents=["anna"]), filter_of({2}, {})]))
    assert key.tenants == {1, 2}
    assert key.narrows
    assert key.accepts(LOGIN)
    assert not key.accepts(PLACED)
    assert key.accepts(EventPlacedInQueue(tenant_id=2))


def test_a_filter_beside_the_whole_leaves_nothing_out() -> None:
    key = StreamKey(frozenset([filter_of({1}, {}, agents=["anna"]), filter_of({1}, {})]))
    assert not key.narrows
    assert key.accepts(PLACED)


def test_a_state_shows_the_media_types_of_the_filters_that_let_it_pass() -> None:
    state = EventPlaceAgentState(tenant_id=1, agent_id="anna")
    chat, mail = ({"MediaTypes": {name: 1}} for name in ("chat", "email"))
    narrow = StreamKey(frozenset([filter_of({1}, chat), filter_of({1}, mail, agents=["bert"])]))
    assert narrow.media_types(state) == frozenset({"chat"})
    assert StreamKey(frozenset([filter_of({1}, {})])).media_types(state) is None


def test_a_logout_of_many_passes_where_one_of_them_does() -> None:
    together = EventMassAgentLogout(tenant_id=1, agents=["anna", "bert"])
    assert filter_of({1}, {}, agents=["bert"]).accepts(together)
    assert not filter_of({1}, {}, agents=["carl"]).accepts(together)
    assert filter_of({1}, {}, places=["desk"]).accepts(together), "it does not name places"
