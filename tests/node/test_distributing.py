"""Events that clients have distributed: numbered, kept, and shown to reporting as they are."""

from __future__ import annotations

from typing import Any

import pytest

from ixproxy import messages as m
from ixproxy.errors import Code
from ixproxy.messages.message import Reason
from ixproxy.values import ClientType
from tests.node.tried import TriedNode


def custom(number: int = 7, **more: Any) -> m.RequestDistributeReportingEvent:
    return m.RequestDistributeReportingEvent(
        tenant_id=more.pop("tenant_id", 1),
        custom_event_id=number,
        event=more.pop("event", {"a": 1, "deep": {"b": b"\x00"}}),
        **more,
    )


def own(**more: Any) -> m.RequestDistributeEvent:
    return m.RequestDistributeEvent(tenant_id=1, event=more.pop("event", {"ThisDN": "VQ"}), **more)


def test_a_custom_event_is_reported_with_a_number_of_its_own_and_kept(node: TriedNode) -> None:
    mail = node.media_server()
    before = node.core.last_event_number
    node.reported()
    reason = Reason(reason_system_name="because")
    assert node.ask(mail, custom(media_type="email", reason=reason)) == m.EventAck()
    (event,) = node.reported()
    assert isinstance(event, m.EventCustomReporting)
    assert (event.event_number, event.dbid) == (before + 1, 101)
    assert (event.custom_event_id, event.event) == (7, {"a": 1, "deep": {"b": b"\x00"}})
    assert (event.tenant_id, event.media_type, event.interaction_id) == (1, "email", "")
    assert event.reason == reason
    assert event.actor is not None
    assert event.actor.media_server == "mail-1"


def test_a_routers_own_event_has_the_id_that_no_other_has(node: TriedNode) -> None:
    node.ask(node.router(), own())
    (event,) = node.reported()
    assert isinstance(event, m.EventCustomReporting)
    assert (event.custom_event_id, event.event) == (0, {"ThisDN": "VQ"})
    assert event.actor is not None
    assert event.actor.router_id == "ors-1"


@pytest.mark.parametrize("kind", [custom, own])
def test_what_is_about_an_interaction_shows_it(node: TriedNode, kind: Any) -> None:
    ann = node.agent("Ann")
    identifier = node.submit(node.media_server(), user_data={"k": 1})
    pull = m.RequestPull(tenant_id=1, view_id="_system_", pull_parameters={identifier: ""})
    node.ask(ann, pull)
    node.reported()
    answer = node.ask(ann, kind(interaction_id=identifier))
    assert answer == m.EventAck(interaction_id=identifier)
    (event,) = node.reported()
    assert (event.interaction_id, event.media_type) == (identifier, "email")
    assert event.interaction["UserData"] == {"k": 1}
    assert event.interaction["AgentId"] == "Ann"
    assert event.actor.agent_id == "Ann"


def test_the_same_again_is_another_event(node: TriedNode) -> None:
    mail = node.media_server()
    node.ask(mail, custom())
    node.ask(mail, custom())
    first, second = node.reported()
    assert second.event_number == first.event_number + 1


def test_what_nobody_reads_is_numbered_all_the_same(node: TriedNode) -> None:
    """Numbers do not depend on who listens."""
    desk = node.client("stat", ClientType.REPORTING_ENGINE)
    before = node.core.last_event_number
    node.ask(desk, custom())
    assert node.core.last_event_number == before + 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (custom(0), Code.MISSING_VALUE),
        (custom(-1), Code.MISSING_VALUE),
        (own(event={}), Code.MISSING_VALUE),
        (custom(tenant_id=9), Code.UNKNOWN_TENANT),
        (custom(media_type="pigeon"), Code.UNKNOWN_MEDIA_TYPE),
        (custom(interaction_id="never"), Code.UNKNOWN_INTERACTION),
        (custom(event={"x": "y" * (600 << 10)}), Code.USER_DATA_TOO_LARGE),
        (own(event={"x": "y" * (600 << 10)}), Code.USER_DATA_TOO_LARGE),
    ],
)
def test_what_makes_no_sense_is_refused(node: TriedNode, wrong: Any, code: int) -> None:
    assert node.refusal(node.media_server(), wrong) == code


def test_another_tenants_interaction_is_not_known(node: TriedNode) -> None:
    identifier = node.submit(node.media_server())
    stranger = node.media_server("mail-2", tenants=(2,))
    assert node.refusal(stranger, custom(tenant_id=1)) == Code.NOT_ALLOWED
    other = custom(tenant_id=2, interaction_id=identifier)
    assert node.refusal(stranger, other) == Code.UNKNOWN_INTERACTION
