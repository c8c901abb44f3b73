from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from ixproxy import messages
from ixproxy.messages import KeyValues, Message, Reason, RequestSubmit, Workbin
from ixproxy.messages.message import (
    Actor,
    Count,
    Event,
    Name,
    Number,
    Party,
    Request,
    Text,
    Time,
)
from tests.messages.attributes import lacking


def test_messages_are_frozen_and_take_their_attributes_by_name() -> None:
    message = RequestSubmit(queue="Q")
    with pytest.raises(AttributeError):
        message.queue = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        RequestSubmit({})  # type: ignore[call-arg]


def test_defaults_are_not_shared_between_messages() -> None:
    one, other = RequestSubmit(), RequestSubmit()
    one.user_data["k"] = 1
    assert other.user_data == {}
    assert copy.copy(one).user_data is one.user_data


def test_attributes_have_the_names_of_the_field_and_defaults_stay_away() -> None:
    reason = Reason(reason_system_name="Expired")
    assert msgspec.to_builtins(reason) == {"ReasonSystemName": "Expired"}
    workbin = Workbin(workbin_type_id="Drafts", workbin_agent_id="anna")
    assert msgspec.to_builtins(workbin) == {"WorkbinTypeId": "Drafts", "WorkbinAgentId": "anna"}
    assert msgspec.to_builtins(RequestSubmit()) == {}


def test_every_message_has_an_extension_requests_a_reason_and_events_their_origin() -> None:
    assert lacking(Message, "Extension") == set()
    assert lacking(Request, "Extension Reason") == set()
    assert lacking(Event, "Extension Reason EventTime EventNumber Dbid Actor") == set()
    assert set(Actor.__struct_encode_fields__) == {
        "AgentId",
        "PlaceId",
        "RouterId",
        "StrategyId",
        "MediaServer",
    }
    assert {"PartyType", "AgentId", "PlaceId", "Name", "VisibilityMode"} <= set(
        Party.__struct_encode_fields__
    )
    assert Party().party_type == 2


def test_every_message_is_described_in_its_docstring() -> None:
    for name in dir(messages):
        value = getattr(messages, name)
        if isinstance(value, type) and issubclass(value, Message):
            assert (value.__doc__ or "").strip().endswith((".", ")")), name


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Number, [0, -(2**63), 2**63 - 1], [2**63, -(2**63) - 1, 2**64, 1.5, "1", None]),
        (Count, [0, 2**63 - 1], [-1, 2**63, True, 0.5]),
        (Time, [0.0, 1, 253402300799.0], [-1.0, float("inf"), float("nan"), 253402300800.0]),
    ],
)
def test_numbers_are_kept_within_what_stores_take(kind: Any, good: Any, bad: Any) -> None:
    for value in good:
        assert msgspec.convert(value, kind) == value
    for value in bad:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(value, kind)


def test_a_key_value_list_is_a_dictionary() -> None:
    assert msgspec.convert({"k": [1]}, KeyValues) == {"k": [1]}


@pytest.mark.parametrize(("kind", "most"), [(Name, 255), (Text, 1000)])
def test_names_and_texts_end_somewhere(kind: Any, most: int) -> None:
    assert msgspec.convert("日" * most, kind) == "日" * most
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("日" * (most + 1), kind)
