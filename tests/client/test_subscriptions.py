from __future__ import annotations

import pytest

from ixproxy import messages as m
from ixproxy.client.subscriptions import Subscriptions, subscription_of
from ixproxy.messages.message import Message, Workbin
from ixproxy.wire.names import ROWS

DRAFTS = Workbin(workbin_type_id="Drafts", workbin_agent_id="anna")
SENT = Workbin(workbin_type_id="Sent", workbin_agent_id="anna")


def drafts(changes: int = 0) -> m.RequestWorkbinNotifications:
    return m.RequestWorkbinNotifications(
        tenant_id=1, workbin=DRAFTS, notify_property_changes=changes
    )


def topics(*names: str) -> m.RequestSubscribe:
    return m.RequestSubscribe(tenant_id=1, ps_topic_list=dict.fromkeys(names, "1"))


def no_topics(*names: str, tenant: int = 1) -> m.RequestUnsubscribe:
    return m.RequestUnsubscribe(tenant_id=tenant, ps_topic_list=dict.fromkeys(names, "1"))


def states(places: str = "", agents: str = "") -> m.RequestStartPlaceAgentStateReporting:
    return m.RequestStartPlaceAgentStateReporting(
        tenant_id=1, places=places.split(), agents=agents.split()
    )


def no_states(places: str = "", agents: str = "") -> m.RequestStopPlaceAgentStateReporting:
    return m.RequestStopPlaceAgentStateReporting(
        tenant_id=1, places=places.split(), agents=agents.split()
    )


def services(*servers: str) -> m.RequestStartExternalServiceReporting:
    return m.RequestStartExternalServiceReporting(servers=list(servers))


def no_services(*servers: str) -> m.RequestStopExternalServiceReporting:
    return m.RequestStopExternalServiceReporting(servers=list(servers))


ALL = m.RequestStartPlaceAgentStateReportingAll(tenants={"Tenant": "1"})
ALL_OF_2 = m.RequestStartPlaceAgentStateReportingAll(tenants={"Tenant": "2"})
NONE = m.RequestStopPlaceAgentStateReportingAll()
NO_DRAFTS = m.RequestWorkbinCancelNotifications(tenant_id=1, workbin=DRAFTS)
OTHER_BIN = m.RequestWorkbinNotifications(tenant_id=1, workbin=SENT)


def after(*requests: Message) -> list[Message]:
    subscriptions = Subscriptions()
    for request in requests:
        subscriptions.answered(request)
    return subscriptions.begun()


@pytest.mark.parametrize(
    ("requests", "left"),
    [
        # Begun, in order.
        ((drafts(), topics("a"), ALL), [drafts(), topics("a"), ALL]),
        ((m.RequestHold(tenant_id=1, interaction_id="A"),), []),
        # Ended: only what agrees in tenant and workbin.
        ((drafts(), OTHER_BIN, NO_DRAFTS), [OTHER_BIN]),
        ((NO_DRAFTS,), []),
        # Begun anew: the newer request counts, and goes to the end.
        (
            (drafts(), OTHER_BIN, drafts(1)),
            [OTHER_BIN, drafts(1)],
        ),
        # Lists: what is ended or begun anew is taken off.
        ((topics("a", "b", "c"), no_topics("b")), [topics("a", "c")]),
        ((topics("a", "b"), no_topics("b", "a")), []),
        ((topics("a", "b"), no_topics("a", tenant=2)), [topics("a", "b")]),
        ((topics("a", "b"), topics("b", "c")), [topics("a"), topics("b", "c")]),
        ((topics("a"), no_topics()), []),
        ((states("p1 p2", "anna"), no_states("p1", "anna")), [states("p2")]),
        ((states("p1"), no_states(agents="anna")), [states("p1")]),
        # Without a list all are meant, and one of them cannot be taken off.
        ((services(), services()), [services()]),
        ((services("a"), services()), [services("a"), services()]),
        ((services(), no_services("a")), [services()]),
        ((services("a"), services(), no_services()), []),
        # Several of these add up, and one end ends them all.
        ((ALL, ALL_OF_2), [ALL, ALL_OF_2]),
        ((ALL, ALL_OF_2, states("p1"), NONE), [states("p1")]),
    ],
)
def test_what_is_remembered_is_what_would_be_there(
    requests: tuple[Message, ...], left: list[Message]
) -> None:
    assert after(*requests) == left


def test_a_repetition_changes_nothing() -> None:
    subscriptions = Subscriptions()
    subscriptions.answered(ALL)
    subscriptions.answered(topics("a"))
    for request in subscriptions.begun():
        subscriptions.answered(request)
    assert subscriptions.begun() == [ALL, topics("a")]


def test_a_doubtful_end_counts_and_a_doubtful_begin_does_not() -> None:
    subscriptions = Subscriptions()
    subscriptions.answered(ALL)
    subscriptions.doubtful(drafts())
    subscriptions.doubtful(m.RequestHold(tenant_id=1, interaction_id="A"))
    assert subscriptions.begun() == [ALL]
    subscriptions.doubtful(NONE)
    assert subscriptions.begun() == []


def test_one_that_is_refused_again_is_forgotten() -> None:
    subscriptions = Subscriptions()
    subscriptions.answered(ALL)
    first = topics("a")
    subscriptions.answered(first)
    assert subscriptions.has(first)
    subscriptions.forget(first)
    assert not subscriptions.has(first)
    assert subscriptions.begun() == [ALL]


def test_every_subscription_of_the_names_table_can_be_followed() -> None:
    rows = [row for row in ROWS if row.subscription is not None]
    assert len(rows) == 10
    for row in rows:
        request = row.message()
        assert subscription_of(request) is row.subscription
        assert after(request) == ([] if row.subscription and row.subscription.ends else [request])
