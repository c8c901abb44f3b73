from __future__ import annotations

import inspect
from collections import Counter

import pytest

from ixproxy import messages
from ixproxy.messages import EventAck, Message, RequestSubmit
from ixproxy.wire.names import (
    BY_CODE,
    BY_MESSAGE,
    BY_NAME,
    ROWS,
    Holdings,
    Kind,
    Merge,
    NameRow,
    code_of,
)
from tests.wire.catalogue import ANSWERS, EVENTS, NAMES, REQUESTS

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def test_the_catalogue_names_each_message_once() -> None:
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


def test_every_name_of_the_catalogue_has_exactly_one_row() -> None:
    assert Counter(row.name for row in ROWS) == Counter(NAMES)


def test_every_message_class_has_exactly_one_row() -> None:
    classes = {
        name: value
        for name, value in vars(messages).items()
        if inspect.isclass(value)
        and issubclass(value, Message)
        and name.startswith(("Request", "Event"))
    }
    assert sorted(classes) == sorted(NAMES)
    assert classes == {row.name: row.message for row in ROWS}


def test_no_number_is_used_twice() -> None:
    assert [code for code, count in Counter(row.code for row in ROWS).items() if count > 1] == []
    assert len(BY_CODE) == len(BY_MESSAGE) == len(BY_NAME) == len(ROWS)
    assert all(0 < row.code < 1 << 16 for row in ROWS)


def test_names_and_numbers_lead_to_the_same_row() -> None:
    assert code_of(RequestSubmit) == 40
    assert BY_CODE[40] is BY_NAME["RequestSubmit"] is BY_MESSAGE[RequestSubmit]


def test_the_kinds_are_those_of_the_catalogue() -> None:
    kinds = {row.name: row.kind for row in ROWS}
    assert {name for name in kinds if kinds[name] is Kind.REQUEST} == set(REQUESTS)
    assert {name for name in kinds if kinds[name] is Kind.ERROR} == {"EventError"}
    assert {name for name in kinds if kinds[name] is Kind.REPLY} == set(ANSWERS) - {"EventError"}
    assert {name for name in kinds if kinds[name] is Kind.EVENT} == set(EVENTS)


@every_row
def test_every_column_names_an_attribute_of_the_message(row: NameRow) -> None:
    fields = set(row.message.__struct_fields__)
    strings = [name for name in (row.media, row.interaction, row.agent, row.queue) if name]
    assert len(set(strings)) == len(strings)
    assert set(strings) <= fields
    assert row.tenant == ("tenant_id" in fields)
    assert set(row.required) <= {*strings, *(["tenant_id"] if row.tenant else [])}
    assert set(row.merge) <= set(row.message.__struct_encode_fields__)


@every_row
def test_routing_attributes_are_nowhere_but_in_the_prefix(row: NameRow) -> None:
    fields = set(row.message.__struct_fields__)
    routing = {"media_type", "media_type_name", "interaction_id", "agent_id", "queue", "view_id"}
    assert fields & routing == {row.media, row.interaction, row.agent, row.queue} - {""}


@every_row
def test_a_request_is_answered_by_a_known_message_and_nothing_else_is(row: NameRow) -> None:
    if row.kind is Kind.REQUEST:
        assert BY_NAME[row.answer].kind in (Kind.REPLY, Kind.EVENT)
    else:
        assert row.answer == ""


@every_row
def test_what_merges_by_union_is_a_map_and_so_can_be_divided(row: NameRow) -> None:
    empty = row.message() if row.merge else None
    for name, how in row.merge.items():
        field = dict(
            zip(row.message.__struct_encode_fields__, row.message.__struct_fields__, strict=True)
        )[name]
        value = getattr(empty, field)
        expected = {Merge.UNION: (dict,), Merge.OR: (bool,), Merge.ADD: (int, dict)}[how]
        assert type(value) in expected


def test_what_requests_do_to_holdings_is_said_once_in_the_table() -> None:
    does = {
        holdings: {row.name for row in ROWS if row.holdings is holdings} for holdings in Holdings
    }
    assert does[Holdings.TAKES] == {
        "RequestSubmit",
        "RequestPull",
        "RequestAccept",
        "RequestIntrude",
        "EventRouteRequest",
    }
    assert does[Holdings.GIVES_BACK] == {
        "RequestPlaceInQueue",
        "RequestPlaceInWorkbin",
        "RequestStopProcessing",
        "RequestTransfer",
        "RequestLeaveInteraction",
        "RequestDeliver",
        "RequestRouteCall",
    }
    assert does[Holdings.INVITES] == {"EventInvite"}
    assert does[Holdings.ENDS_INVITATION] == {"RequestReject", "EventAccepted"}
    assert does[Holdings.REVOKES] == {"EventRevoked", "EventAbandoned"}


def test_whoever_names_one_interaction_must_name_it_and_its_tenant() -> None:
    optional = {
        "RequestSubmit",
        "Request3rdServer",
        "RequestDistributeEvent",
        "RequestDistributeReportingEvent",
    }
    for row in ROWS:
        if row.kind is Kind.REQUEST and row.interaction and row.name not in optional:
            assert {"tenant_id", "interaction_id"} <= set(row.required), row.name


def test_the_answer_to_a_submit_carries_the_new_id_in_the_prefix() -> None:
    assert BY_MESSAGE[EventAck].interaction == "interaction_id"


def test_every_subscription_can_be_begun_and_ended_by_attributes_that_both_have() -> None:
    begins = {row.subscription.to: row for row in ROWS if row.subscription is not None
              and not row.subscription.ends}  # fmt: skip
    ends = {row.subscription.to: row for row in ROWS if row.subscription is not None
            and row.subscription.ends}  # fmt: skip
    assert set(begins) == set(ends)
    for to, row in begins.items():
        begin, end = row.subscription, ends[to].subscription
        assert begin is not None
        assert end is not None
        assert begin.lists == end.lists
        assert set(end.key) <= set(begin.key)
        assert {*begin.key, *begin.lists} <= set(row.message.__struct_fields__)
        assert {*end.key, *end.lists} <= set(ends[to].message.__struct_fields__)
