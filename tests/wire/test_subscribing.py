"""What one reporting client has asked for, by whatever requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.client.subscriptions import Subscriptions
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    EventAgentLogin,
    RequestStartPlaceAgentStateReporting,
    RequestStartPlaceAgentStateReportingAll,
    RequestStopPlaceAgentStateReporting,
    RequestStopPlaceAgentStateReportingAll,
)
from ixproxy.messages.message import Message
from ixproxy.wire.streams import StreamKey
from ixproxy.wire.subscribing import (
    MAX_NAMES,
    MAX_STREAMS,
    MAX_SUBSCRIPTIONS,
    Subscribed,
    check_streams,
)

ALL = RequestStartPlaceAgentStateReportingAll()
NOTHING = Subscribed()


def listed(tenant: int = 1, **more: object) -> RequestStartPlaceAgentStateReporting:
    return RequestStartPlaceAgentStateReporting(tenant_id=tenant, **more)  # type: ignore[arg-type]


def stopped(tenant: int = 1, **more: object) -> RequestStopPlaceAgentStateReporting:
    return RequestStopPlaceAgentStateReporting(tenant_id=tenant, **more)  # type: ignore[arg-type]


def login(agent: str, tenant: int = 1, place: str = "") -> EventAgentLogin:
    return EventAgentLogin(tenant_id=tenant, agent_id=agent, place_id=place)


def hears(subscribed: Subscribed, agent: str, tenant: int = 1, place: str = "") -> bool:
    key = subscribed.key
    return key is not None and key.accepts(login(agent, tenant, place))


def test_nobody_hears_anything_unasked() -> None:
    assert NOTHING.key is None


def test_all_agent_states_are_ended_together_whatever_their_filters() -> None:
    chats = RequestStartPlaceAgentStateReportingAll(filter={"MediaTypes": {"chat": 1}})
    both = NOTHING.begin_all({1}, ALL).begin_all({2}, chats)
    assert hears(both, "a", 1)
    assert hears(both, "a", 2)
    assert both.end_all() == NOTHING


def test_the_same_asked_again_is_one_subscription() -> None:
    once = NOTHING.begin_all({1}, ALL)
    assert once.begin_all({1}, ALL) == once


def test_names_add_up_and_end_one_by_one() -> None:
    one = NOTHING.begin(listed(agents=["ann"]))
    two = one.begin(listed(agents=["bob"], places=["desk"]))
    assert [hears(two, name) for name in ("ann", "bob", "eve")] == [True, True, False]
    assert hears(two, "eve", place="desk")
    left = two.end(stopped(agents=["ann"], places=["desk"]))
    assert [hears(left, name, place="desk") for name in ("ann", "bob", "eve")] == [
        False,
        True,
        False,
    ]
    assert left.end(stopped(agents=["bob"])) == NOTHING


def test_names_are_a_tenants_own() -> None:
    both = NOTHING.begin(listed(1, agents=["ann"])).begin(listed(2, agents=["bob"]))
    assert not hears(both, "ann", 2)
    assert not hears(both, "bob", 1)
    assert hears(both.end(stopped(1)), "bob", 2)
    assert both.end(stopped(1, agents=["bob"])) == both


def test_an_end_that_names_nobody_ends_all_of_the_tenant_but_not_all_agent_states() -> None:
    both = NOTHING.begin_all({1}, ALL).begin(listed(agents=["ann"]))
    assert both.end(stopped()) == NOTHING.begin_all({1}, ALL)
    assert both.end_all() == NOTHING.begin(listed(agents=["ann"]))


def test_a_name_that_is_asked_for_anew_is_told_by_the_new_filter() -> None:
    logins = listed(agents=["ann"], filter={"Events": {"EventAgentLogin": 1}})
    others = listed(agents=["ann"], filter={"Events": {"EventAgentLogout": 1}})
    assert hears(NOTHING.begin(logins), "ann")
    assert not hears(NOTHING.begin(logins).begin(others), "ann")


def test_a_request_that_names_nobody_is_refused() -> None:
    with pytest.raises(RequestRefused, match="Places and Agents"):
        NOTHING.begin(listed())


def test_who_asks_for_too_much_is_told_what_is_allowed() -> None:
    many = NOTHING
    for number in range(MAX_SUBSCRIPTIONS):
        many = many.begin_all({number}, ALL)
    with pytest.raises(RequestRefused, match=str(MAX_SUBSCRIPTIONS)) as refused:
        many.begin_all({MAX_SUBSCRIPTIONS}, ALL)
    assert refused.value.code == Code.LIMIT_REACHED
    with pytest.raises(RequestRefused, match=str(MAX_NAMES)):
        NOTHING.begin(listed(agents=[str(number) for number in range(MAX_NAMES + 1)]))


def test_it_follows_the_clients_tenants_where_none_was_named() -> None:
    named = RequestStartPlaceAgentStateReportingAll(tenants={"a": 1})
    assert NOTHING.begin_all({1}, ALL).follows
    assert not NOTHING.begin_all({1}, named).follows
    assert not NOTHING.begin(listed(agents=["ann"])).follows


_names = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)
_filters = st.sampled_from([{}, {"Events": {"EventAgentLogin": 1}}, {"MediaTypes": {"chat": 1}}])
_requests = st.one_of(
    st.builds(RequestStartPlaceAgentStateReportingAll, filter=_filters),
    st.just(RequestStopPlaceAgentStateReportingAll()),
    st.builds(
        RequestStartPlaceAgentStateReporting,
        tenant_id=st.integers(1, 2),
        agents=_names,
        places=_names,
        filter=_filters,
    ).filter(lambda request: bool(request.agents or request.places)),
    st.builds(
        RequestStopPlaceAgentStateReporting,
        tenant_id=st.integers(1, 2),
        agents=_names,
        places=_names,
    ),
)


def after(subscribed: Subscribed, request: Message) -> Subscribed:
    if isinstance(request, RequestStartPlaceAgentStateReportingAll):
        return subscribed.begin_all({1, 2}, request)
    if isinstance(request, RequestStopPlaceAgentStateReportingAll):
        return subscribed.end_all()
    if isinstance(request, RequestStartPlaceAgentStateReporting):
        return subscribed.begin(request)
    assert isinstance(request, RequestStopPlaceAgentStateReporting)
    return subscribed.end(request)


@given(st.lists(_requests, max_size=12))
def test_a_client_that_comes_back_asks_for_the_stream_that_it_had(requests: list[Message]) -> None:
    """The client library follows the names table; what it asks anew makes the same stream."""
    server, client = NOTHING, Subscriptions()
    for request in requests:
        server = after(server, request)
        client.answered(request)
    again = NOTHING
    for request in client.begun():
        again = after(again, request)
    assert again.key == server.key


@given(st.lists(_requests, max_size=8), st.sampled_from("abc"), st.sampled_from("abc"))
def test_a_stream_has_what_any_of_its_subscriptions_asks_for(
    requests: list[Message], agent: str, place: str
) -> None:
    server = NOTHING
    for request in requests:
        server = after(server, request)
    wanted = any(one.wanted.accepts(login(agent, 1, place)) for one in server.each)
    assert hears(server, agent, 1, place) == wanted
    assert isinstance(server.key, StreamKey) == bool(server.each)


def test_names_are_no_longer_than_names_are() -> None:
    long = "x" * 256
    for message in (listed(agents=[long]), listed(agents=["a"], filter={"Places": [long]})):
        with pytest.raises(RequestRefused) as refused:
            NOTHING.begin(message)
        assert refused.value.code == Code.BAD_ATTRIBUTE
    begun = RequestStartPlaceAgentStateReportingAll(filter={"Events": {long: 1}})
    with pytest.raises(RequestRefused):
        NOTHING.begin_all({1}, begun)


def test_of_a_request_nothing_is_kept_but_each_name_once() -> None:
    big = {"Note": "x" * 100_000}
    asked = listed(
        agents=["a", "b", "a"] * 1000, filter={"Places": {"p": big}}, extension=big
    )
    plain = listed(agents=["a", "b"], filter={"Places": {"p": 1}})
    assert NOTHING.begin(asked) == NOTHING.begin(plain)


def test_a_stream_in_the_place_of_one_that_nobody_else_has_is_none_more() -> None:
    keys = [NOTHING.begin(listed(agents=[str(number)])).key for number in range(MAX_STREAMS)]
    wanted = dict.fromkeys([key for key in keys if key is not None], 1)
    new = NOTHING.begin(listed(agents=["new"])).key
    assert new is not None
    check_streams(wanted, new, keys[0])
    with pytest.raises(RequestRefused) as refused:
        check_streams(wanted, new, None)
    assert refused.value.code == Code.LIMIT_REACHED
    with pytest.raises(RequestRefused):
        check_streams({**wanted, next(iter(wanted)): 2}, new, keys[0])
