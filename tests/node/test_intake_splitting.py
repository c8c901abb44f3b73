"""Properties by the names of the field become what requests of the node know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import Workbin
from ixproxy.node.intake_settings import FIELD_DEFAULTS
from ixproxy.node.intake_shown import NAMES
from ixproxy.node.intake_splitting import (
    _ATTRIBUTES,
    _CHANGEABLE,
    _NOT_CHANGEABLE,
    _PROPERTIES,
    _QUEUES,
    _WORKBIN,
    Change,
    Submit,
    change_of,
    ids_of,
    submit_of,
)
from ixproxy.node.intake_work import Operation, Verb

KNOWN = {*_ATTRIBUTES, *_WORKBIN, *_PROPERTIES, *NAMES, "Hold", "UserData"}


def submit(
    defaults: dict[str, object] | None = None, tenant: int = 1, /, **properties: Any
) -> Submit:
    operation = Operation(verb=Verb.SUBMIT, properties=properties)
    return submit_of(operation, defaults or {}, tenant)


def change(shown: dict[str, object] | None = None, *, lenient: bool = False, **of: Any) -> Change:
    return change_of(Operation(verb=Verb.UPDATE, **of), shown or {}, lenient=lenient)


def refusal(**properties: Any) -> tuple[int, str]:
    with pytest.raises(RequestRefused) as refused:
        submit(**properties)
    return refused.value.code, refused.value.description


def test_what_the_field_names_becomes_attributes_of_a_request() -> None:
    made = submit(
        TenantId="101",
        MediaType="workitem",
        InteractionType="Inbound",
        InteractionSubtype="InboundNew",
        Queue="Claims.In",
        ParentId="P1",
        IsOnline="1",
        ReceivedAt="1970-01-02 00:00:05",
        InQueues={"a": 1},
        OutQueues={"b": {"c": "d"}},
        InteractionId="0001ABC",
        Priority="10",
        ServiceObjective=60.0,
        ExternalId="SR-1",
        CustomerSegment="Gold",
    )
    request = made.request
    assert (request.tenant_id, request.media_type, request.queue) == (101, "workitem", "Claims.In")
    assert (request.interaction_type, request.interaction_subtype) == ("Inbound", "InboundNew")
    assert (request.parent_interaction_id, request.is_online) == ("P1", True)
    assert request.received_at == 86405.0
    assert (request.in_queues, request.out_queues) == ({"a": 1}, {"b": {"c": "d"}})
    assert request.interaction_id == "0001ABC"
    assert request.user_data == {
        "Priority": 10, "ServiceObjective": 60, "ExternalId": "SR-1", "CustomerSegment": "Gold",
    }  # fmt: skip
    assert made.external_id == "SR-1"
    assert not made.hold


@pytest.mark.parametrize("name", ["ParentId", "ParentID", "ParentInteractionId"])
def test_a_parent_has_three_names(name: str) -> None:
    assert submit(**{name: "P1"}).request.parent_interaction_id == "P1"


def test_a_workbin_is_named_as_in_the_field() -> None:
    made = submit(Workbin="Team", WorkbinAgentGroupId="Sales").request
    assert made.workbin == Workbin(workbin_type_id="Team", workbin_group_id="Sales")
    assert made.queue == ""
    assert submit(Queue="Q").request.workbin is None


@pytest.mark.parametrize(
    ("value", "held"),
    [("1", True), (1, True), ("true", True), (" True ", True), (True, True), ("0", False),
     (0, False), ("false", False), (False, False)],
)  # fmt: skip
def test_a_submit_can_come_on_hold(value: object, held: bool) -> None:
    assert submit(Hold=value).hold is held
    held_anyway = Operation(verb=Verb.SUBMIT, properties={"Hold": value}, hold=True)
    assert submit_of(held_anyway, {}, 1).hold


def test_attributes_of_the_operation_go_before_its_properties() -> None:
    operation = Operation(
        verb=Verb.SUBMIT,
        interaction_id="I1",
        external_id="E1",
        properties={"InteractionId": "I2", "ExternalId": "E2", "a": 1, "UserData": {"b": 2}},
        user_data={"a": 3},
    )
    made = submit_of(operation, {}, 1)
    assert made.request.interaction_id == "I1"
    assert made.request.user_data == {"ExternalId": "E1", "a": 3, "b": 2}


@pytest.mark.parametrize("name", sorted(KNOWN - {"UserData"}))
def test_an_empty_system_property_is_not_there(name: str) -> None:
    given_queue = {} if name == "Queue" else {"Queue": "Q"}
    with_it = submit({"MediaType": "email"}, **{name: "", **given_queue})
    without = submit({"MediaType": "email"}, **given_queue)
    assert with_it == without


def test_empty_user_data_is_there() -> None:
    assert submit(Note="").request.user_data == {"Note": ""}


def test_defaults_stand_in_for_what_is_not_said() -> None:
    defaults = {**FIELD_DEFAULTS, "Queue": "In", "Origin": "mail", "TenantId": 7}
    made = submit(defaults, MediaType="chat", Origin="").request
    assert (made.media_type, made.interaction_type, made.queue) == ("chat", "Inbound", "In")
    assert made.tenant_id == 7
    assert made.user_data == {"Origin": ""}
    assert submit(defaults, Queue="Other").request.queue == "Other"
    assert submit(defaults, Queue="").request.queue == "In"


def test_a_default_queue_is_not_for_what_lies_in_a_workbin() -> None:
    made = submit({"Queue": "In"}, WorkbinTypeId="Drafts", WorkbinAgentId="Ann").request
    assert made.queue == ""
    assert made.workbin is not None


def test_a_tenant_must_be_known() -> None:
    with pytest.raises(RequestRefused, match="TenantId") as refused:
        submit({}, 0, Queue="Q")
    assert refused.value.code == Code.MISSING_VALUE
    assert submit({}, 4).request.tenant_id == 4


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"TenantId": "many"}, "TenantId is 'many', expected a whole number"),
        ({"TenantId": True}, "TenantId is True"),
        ({"TenantId": 2**63}, "TenantId is"),
        ({"Priority": "high"}, "Priority is 'high'"),
        ({"Priority": "1.5"}, "Priority is '1.5'"),
        ({"ServiceObjective": {}}, "ServiceObjective is {}"),
        ({"IsOnline": "maybe"}, "IsOnline is 'maybe', expected 0, 1, false or true"),
        ({"IsOnline": {}}, "IsOnline is {}"),
        ({"Hold": 2}, "Hold is 2"),
        ({"ReceivedAt": "yesterday"}, "ReceivedAt is 'yesterday', expected a time"),
        ({"ReceivedAt": "1969-12-31"}, "ReceivedAt is '1969-12-31', expected a time from 1970"),
        ({"ReceivedAt": -1}, "ReceivedAt is -1"),
        ({"ReceivedAt": float("nan")}, "ReceivedAt is nan"),
        ({"ReceivedAt": True}, "ReceivedAt is True"),
        ({"InQueues": "a"}, "InQueues is 'a', expected a list"),
        ({"OutQueues": {"a": 2**64}}, "OutQueues"),
        ({"MediaType": {}}, "MediaType is {}, expected a text"),
        ({"MediaType": "m" * 256}, "MediaType takes 256 bytes in UTF-8, 255 are allowed"),
        ({"ExternalId": "é" * 128}, "ExternalId takes 256 bytes"),
        ({"Queue": "a\0b"}, "Queue has characters that cannot be stored"),
        ({"InteractionId": "\ud800"}, "InteractionId has characters"),
        ({"Workbin": 1.5}, "Workbin is 1.5"),
        ({"Note": {1: 2}}, "UserData['Note']"),
        ({"Note": [object()]}, "UserData['Note']"),
    ],
)
def test_a_value_that_does_not_fit_is_named(properties: dict[str, Any], named: str) -> None:
    code, description = refusal(**properties)
    assert code == Code.BAD_ATTRIBUTE
    assert named in description
    assert len(description) < 400


def test_a_long_value_is_not_repeated_whole() -> None:
    assert len(refusal(Priority="x" * 100_000)[1]) < 300


def test_a_name_may_be_a_number() -> None:
    assert submit(ExternalId=4711, Queue=7).external_id == "4711"


def test_what_an_update_changes_and_deletes() -> None:
    made = change(
        properties={"Priority": "20", "Note": "x", "Queue": "Urgent", "ParentID": "P",
                    "UserData": {"a": 1}},
        user_data={"b": 2},
        deleted=("Old", "ParentInteractionId", "ExternalId"),
    )  # fmt: skip
    assert made.changed == {"Priority": 20, "Note": "x", "ParentId": "P", "a": 1, "b": 2}
    assert made.deleted == {"Old": "", "ParentId": "", "ExternalId": ""}
    assert made.queue == "Urgent"


def test_the_queue_that_it_is_in_is_no_move() -> None:
    assert change({"Queue": "In"}, properties={"Queue": "In"}).queue == ""
    assert change({"Queue": "In"}, properties={"InteractionQueue": "Out"}).queue == "Out"


def test_an_external_id_beside_the_id_is_a_property() -> None:
    assert change(interaction_id="I1", external_id="E2").changed == {"ExternalId": "E2"}
    assert change(external_id="E2").changed == {}


@pytest.mark.parametrize("name", sorted(_NOT_CHANGEABLE))
def test_what_cannot_be_changed_is_refused_unless_it_is_not_changed(name: str) -> None:
    for of in ({"properties": {name: "new"}}, {"deleted": (name,)}):
        with pytest.raises(RequestRefused, match=name) as refused:
            change({name: "old"}, **of)
        assert refused.value.code == Code.READ_ONLY_PROPERTY
        made = change({name: "old"}, lenient=True, **of)
        assert (made.changed, made.deleted, made.queue) == ({}, {}, "")
    assert change({name: 1}, properties={name: "1"}).changed == {}


def test_a_queue_cannot_be_deleted() -> None:
    with pytest.raises(RequestRefused, match="Queue cannot be deleted"):
        change(deleted=("Queue",))


def test_the_tables_do_not_contradict_each_other() -> None:
    assert set(_CHANGEABLE).isdisjoint(_NOT_CHANGEABLE)
    assert set(_QUEUES).isdisjoint(_NOT_CHANGEABLE)
    assert set(_ATTRIBUTES).isdisjoint(_PROPERTIES)
    assert set(_ATTRIBUTES).isdisjoint(_WORKBIN)


def test_ids_stand_at_the_operation_or_among_its_properties() -> None:
    named = {"InteractionId": "I1", "ExternalId": 7}
    assert ids_of(Operation(verb=Verb.STOP, properties=named)) == ("I1", "7")
    assert ids_of(Operation(verb=Verb.STOP, external_id="E1", properties=named)) == ("", "E1")
    assert ids_of(Operation(verb=Verb.STOP)) == ("", "")


TEXTS = st.text(max_size=12)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**70), 2**70), st.booleans(), st.none(), st.floats(),
              st.binary(max_size=4)),
    lambda inner: st.one_of(
        st.dictionaries(TEXTS, inner, max_size=3), st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
NAMED = st.one_of(st.sampled_from(sorted(KNOWN)), TEXTS)
OPERATIONS = st.builds(
    Operation,
    verb=st.sampled_from((Verb.SUBMIT, Verb.UPDATE)),
    interaction_id=TEXTS,
    external_id=TEXTS,
    properties=st.dictionaries(NAMED, VALUES, max_size=6),
    user_data=st.dictionaries(NAMED, VALUES, max_size=3),
    deleted=st.lists(NAMED, max_size=3).map(tuple),
    hold=st.booleans(),
)


@given(OPERATIONS)
def test_whatever_is_given_is_split_or_refused_by_name(operation: Operation) -> None:
    made = outcome_of(lambda: submit_of(operation, FIELD_DEFAULTS, 1))
    if isinstance(made, RequestRefused):
        assert made.code in (Code.BAD_ATTRIBUTE, Code.MISSING_VALUE)
    else:
        known = {*_ATTRIBUTES, *_WORKBIN, "Hold"}
        inner = operation.properties.get("UserData")
        free = {*operation.user_data, *(inner if isinstance(inner, dict) else ())}
        assert known.isdisjoint(made.request.user_data.keys() - free)
    update = outcome_of(lambda: change_of(operation, {}, lenient=False))
    if isinstance(update, RequestRefused):
        assert update.code in (Code.BAD_ATTRIBUTE, Code.READ_ONLY_PROPERTY)
    else:
        named = {name for name, value in operation.properties.items() if value not in ("", None)}
        assert named.isdisjoint(_NOT_CHANGEABLE)


def outcome_of(split: Callable[[], Any]) -> Any:
    try:
        return split()
    except RequestRefused as refused:
        return refused


@given(st.dictionaries(st.text(min_size=1, max_size=12).filter(lambda key: key not in KNOWN),
                       st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1))))  # fmt: skip
def test_what_is_no_property_arrives_as_it_is(user_data: dict[str, Any]) -> None:
    assert submit(**user_data).request.user_data == user_data
    assert change(properties=user_data).changed == user_data
