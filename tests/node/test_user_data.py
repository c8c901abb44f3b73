from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import (
    EventPropertiesChanged,
    RequestChangeProperties,
    RequestGetInteractionProperties,
    RequestSubmit,
)
from tests.node.tried import TriedNode


def change(id: str, **more: Any) -> RequestChangeProperties:
    return RequestChangeProperties(tenant_id=1, interaction_id=id, **more)


def submit(user_data: dict[str, Any]) -> RequestSubmit:
    return RequestSubmit(tenant_id=1, media_type="email", queue="Inbound", user_data=user_data)


def test_keys_with_a_column_are_in_both_places(node: TriedNode) -> None:
    user_data = {
        "ExternalId": "m-1",
        "Priority": 7,
        "ServiceObjective": "120",
        "Product": "Loan",
        "Amount": 9.5,
        "state": "NY",
    }
    row = node.kept(node.submit(node.media_server(), user_data=user_data))
    assert (row.external_id, row.priority, row.service_objective) == ("m-1", 7, 120)
    assert row.custom == {"c_product": "Loan", "c_amount": 9.5}
    assert node.user_data(row.id) == user_data


@pytest.mark.parametrize("value", ["high", None, [1], 1.5, float("inf"), 1e300, "-1e300", 2.0**63])
def test_a_value_that_does_not_fit_a_column_stays_in_the_user_data(
    node: TriedNode, value: object
) -> None:
    row = node.kept(node.submit(node.media_server(), user_data={"Priority": value}))
    assert row.priority is None
    assert node.user_data(row.id) == {"Priority": value}


def test_a_parent_and_an_online_mark_stay_in_their_columns(node: TriedNode) -> None:
    row = node.kept(
        node.submit(node.media_server(), user_data={"ParentId": "p", "IsOnline": 1, "a": 1})
    )
    assert (row.parent_id, row.is_online) == ("p", 1)
    assert node.user_data(row.id) == {"a": 1}


def test_what_columns_hold_besides_the_user_data_is_limited(node: TriedNode) -> None:
    mail = node.media_server()
    assert node.refusal(mail, submit({"ParentId": "p" * 256})) == Code.BAD_ATTRIBUTE
    for name in ("in_queues", "out_queues"):
        for size, refused in ((16 << 10, True), (15 << 10, False)):
            asked = msgspec.structs.replace(submit({}), **{name: {"q": "x" * size}})
            if refused:
                assert node.refusal(mail, asked) == Code.USER_DATA_TOO_LARGE
            else:
                node.ask(mail, asked)
    row = node.kept(node.submit(mail, user_data={"ExternalId": "e" * 1001}))
    assert row.external_id is None
    assert node.user_data(row.id) == {"ExternalId": "e" * 1001}


@pytest.mark.parametrize("key", ["Queue", "InteractionState", "InteractionMediatype", "TenantId"])
def test_a_submit_with_a_read_only_property_is_refused_or_loses_it(
    make_node: Callable[..., TriedNode], key: str
) -> None:
    node = make_node()
    assert node.refusal(node.media_server(), submit({key: 1})) == Code.READ_ONLY_PROPERTY
    lenient = make_node(ignore_read_only_on_submit=True)
    id = lenient.submit(lenient.media_server(), user_data={key: 1, "a": 2})
    assert lenient.user_data(id) == {"a": 2}


def test_a_change_adds_changes_and_deletes(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail, user_data={"a": 1, "b": 2, "c": 3, "Product": "Loan"})
    node.reported()
    node.ask(
        mail,
        change(
            id,
            added_properties={"d": 4, "Priority": 3},
            changed_properties={"b": "two"},
            deleted_properties={"c": "", "Product": "", "nothing": ""},
        ),
    )
    row = node.kept(id)
    assert node.user_data(id) == {"a": 1, "b": "two", "d": 4, "Priority": 3}
    assert (row.priority, row.custom) == (3, {})
    (event,) = node.reported()
    assert isinstance(event, EventPropertiesChanged)
    assert event.added_properties == {"d": 4, "Priority": 3}
    assert event.changed_properties == {"b": "two"}
    assert event.deleted_properties == {"c": "", "Product": "", "nothing": ""}
    assert event.interaction["UserData"] == node.user_data(id)


def test_a_change_of_nothing_is_acknowledged_without_an_event(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    node.reported()
    assert node.ask(mail, change(id)).interaction_id == id
    assert node.reported() == []


def test_external_and_parent_ids_are_everybodys_to_change(node: TriedNode) -> None:
    mail, router = node.media_server(), node.router()
    id = node.submit(mail)
    node.ask(router, change(id, changed_properties={"ExternalId": "x", "ParentId": "p"}))
    row = node.kept(id)
    assert (row.external_id, row.parent_id) == ("x", "p")
    assert node.user_data(id) == {"ExternalId": "x"}
    node.ask(router, change(id, deleted_properties={"ExternalId": "", "ParentId": ""}))
    row = node.kept(id)
    assert (row.external_id, row.parent_id) == (None, None)


@pytest.mark.parametrize("part", ["added_properties", "changed_properties", "deleted_properties"])
def test_a_read_only_property_is_refused_or_left_out(
    make_node: Callable[..., TriedNode], part: str
) -> None:
    wanted: dict[str, Any] = {part: {"Queue": "Other"}}
    node = make_node()
    id = node.submit(node.media_server())
    assert node.refusal(node.media_server(), change(id, **wanted)) == Code.READ_ONLY_PROPERTY
    lenient = make_node(ignore_read_only_on_change=True)
    mail = lenient.media_server()
    id = lenient.submit(mail)
    lenient.reported()
    lenient.ask(mail, change(id, **wanted))
    assert lenient.kept(id).queue == "Inbound"
    assert lenient.reported() == []
    lenient.ask(mail, change(id, added_properties={"Queue": "Other", "a": 1}))
    (event,) = lenient.reported()
    assert event.added_properties == {"a": 1}


def test_only_media_servers_say_that_the_customer_is_gone(node: TriedNode) -> None:
    mail = node.media_server()
    id = node.submit(mail, is_online=True)
    offline = change(id, changed_properties={"IsOnline": 0})
    assert node.refusal(node.router(), offline) == Code.READ_ONLY_PROPERTY
    node.ask(mail, offline)
    row = node.kept(id)
    assert (row.is_online, row.abandoned_at) == (0, node.now)
    node.wait(5)
    node.ask(mail, offline)
    assert node.kept(id).abandoned_at == node.now - 5
    node.ask(mail, change(id, changed_properties={"IsOnline": 1}))
    assert (node.kept(id).is_online, node.kept(id).abandoned_at) == (1, None)


@pytest.mark.parametrize(
    "wrong", [{"IsOnline": 2}, {"IsOnline": "no"}, {"IsOnline": 0.0}, {"ParentId": 7}]
)
def test_a_value_that_a_system_property_cannot_have_is_refused(
    node: TriedNode, wrong: dict[str, Any]
) -> None:
    mail = node.media_server()
    id = node.submit(mail)
    assert node.refusal(mail, change(id, changed_properties=wrong)) == Code.BAD_ATTRIBUTE


@pytest.mark.parametrize(
    "parts",
    [
        ("added_properties", "changed_properties"),
        ("added_properties", "deleted_properties"),
        ("changed_properties", "deleted_properties"),
    ],
)
def test_a_key_named_twice_is_refused_unless_that_is_allowed(
    make_node: Callable[..., TriedNode], parts: tuple[str, str]
) -> None:
    wanted: dict[str, Any] = {parts[0]: {"k": 1}, parts[1]: {"k": 2}}
    node = make_node()
    id = node.submit(node.media_server())
    assert node.refusal(node.media_server(), change(id, **wanted)) == Code.DUPLICATE_KEY
    lenient = make_node(allow_duplicates_in_change=True)
    id = lenient.submit(lenient.media_server())
    lenient.ask(lenient.media_server(), change(id, **wanted))
    expected = {} if parts[1] == "deleted_properties" else {"k": 2}
    assert lenient.user_data(id) == expected


def test_a_change_may_not_make_user_data_too_large(make_node: Callable[..., TriedNode]) -> None:
    node = make_node(max_userdata_size=1024)
    mail = node.media_server()
    id = node.submit(mail, user_data={"a": "x" * 1000})
    grown = change(id, added_properties={"b": "x" * 100})
    assert node.refusal(mail, grown) == Code.USER_DATA_TOO_LARGE
    smaller = {"added_properties": {"b": "x" * 100}, "deleted_properties": {"a": ""}}
    node.ask(mail, change(id, **smaller))


KEYS = st.sampled_from(["a", "b", "Priority", "ExternalId", "Product", "Amount", "ParentId"])
VALUES = st.integers(-5, 5) | st.sampled_from(["", "x", "7"])


@given(
    first=st.dictionaries(st.sampled_from(["a", "b", "Priority", "Product"]), VALUES),
    steps=st.lists(
        st.tuples(
            st.dictionaries(KEYS, VALUES, max_size=3), st.lists(KEYS, max_size=3, unique=True)
        ),
        max_size=5,
    ),
)
def test_columns_follow_the_user_data_through_any_changes(
    first: dict[str, Any], steps: list[tuple[dict[str, Any], list[str]]]
) -> None:
    node = TriedNode()
    try:
        mail = node.media_server()
        id = node.submit(mail, user_data=first)
        expected, parent = dict(first), None
        for wanted, gone in steps:
            changed = {
                key: str(value) if key == "ParentId" else value
                for key, value in wanted.items()
                if key not in gone
            }
            deleted = dict.fromkeys(gone, "")
            node.ask(mail, change(id, changed_properties=changed, deleted_properties=deleted))
            expected.update(changed)
            for key in gone:
                expected.pop(key, None)
            if "ParentId" in gone:
                parent = None
            parent = expected.pop("ParentId", parent) or None
        request = RequestGetInteractionProperties(tenant_id=1, interaction_id=id)
        assert node.ask(mail, request).interaction["UserData"] == expected
        # The columns are what a submit of the same user data would have.
        fresh = node.kept(node.submit(mail, user_data=expected))
        row = node.kept(id)
        assert (row.priority, row.external_id, row.custom, row.parent_id) == (
            fresh.priority,
            fresh.external_id,
            fresh.custom,
            parent,
        )
    finally:
        node.discard()
