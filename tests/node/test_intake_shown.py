"""Interactions are shown flat, in texts, whole numbers and lists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.node.answers import encode_map
from ixproxy.node.intake_shown import NAMES, plain, properties_shown, time_text
from ixproxy.node.properties import SYSTEM_PROPERTIES
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.testing.store_samples import FULL


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01 00:00:00"),
        (86405.999, "1970-01-02 00:00:05"),
        (1795339800.0, "2026-11-22 09:30:00"),
        (253402300799.0, "9999-12-31 23:59:59"),
        (1e20, "1e+20"),
    ],
)
def test_times_are_texts_in_utc(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


def test_all_that_an_interaction_has_stands_side_by_side() -> None:
    row = InteractionRow(
        id="I1",
        tenant_id=1,
        media_type="email",
        queue="In",
        state=3,
        submitted_by="mail-in",
        received_at=5.0,
        submitted_at=6.0,
        priority=5,
        external_id="E1",
        assigned_to="Ann",
        in_queues=encode_map({"a": "b"}),
        user_data=encode_map({"Priority": "5", "Note": "x", "Queue": "mine"}),
    )
    ann = PartyRow(
        interaction_id="I1", session=b"s", tenant_id=1, party_type=2, take_number=1,
        joined_at=60.0, agent_id="Ann",
    )  # fmt: skip
    assert properties_shown(row, ann) == {
        "InteractionId": "I1",
        "TenantId": 1,
        "MediaType": "email",
        "Queue": "In",
        "InteractionState": 3,
        "IsOnline": 0,
        "IsHeld": 0,
        "IsLocked": 0,
        "SubmittedBy": "mail-in",
        "ReceivedAt": "1970-01-01 00:00:05",
        "SubmittedAt": "1970-01-01 00:00:06",
        "Priority": 5,
        "ExternalId": "E1",
        "AssignedTo": "Ann",
        "AssignedAt": "1970-01-01 00:01:00",
        "InQueues": {"a": "b"},
        "Note": "x",
    }


def test_every_name_can_be_shown_and_only_a_strategy_is_no_time_of_assignment() -> None:
    row = FULL.__class__(**{**{f: getattr(FULL, f) for f in FULL.__struct_fields__},
                            "user_data": b"\x80", "out_queues": encode_map({"x": 1})})  # fmt: skip
    strategy = PartyRow(
        interaction_id="full", session=b"s", tenant_id=1, party_type=1, take_number=1,
        joined_at=60.0, strategy_id="S",
    )  # fmt: skip
    assert set(properties_shown(row, strategy)) == NAMES - {"AssignedAt"}


def test_system_properties_are_shown_but_for_what_is_the_nodes_own() -> None:
    ours = {known.name for known in SYSTEM_PROPERTIES}
    # The field has other names for parts of a workbin.
    renamed = {"WorkbinTypeId", "WorkbinGroupId"}
    assert ours - NAMES == {"PlaceInQueueSeq", *renamed}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, 1),
        (None, ""),
        (2.0, 2),
        (2.5, "2.5"),
        (float("inf"), "inf"),
        (1e300, "1e+300"),
        ([1, "a", [True]], {"0": 1, "1": "a", "2": {"0": 1}}),
        ({"a": b"x", "b": {"c": None}}, {"b": {"c": ""}}),
        (2**63 - 1, 2**63 - 1),
    ],
)
def test_what_has_no_place_in_xml_is_written_as_text(value: object, shown: object) -> None:
    assert plain({"key": value}) == {"key": shown}


def test_bytes_are_left_out() -> None:
    assert plain({"a": b"x", "b": 1}) == {"b": 1}


@given(
    st.recursive(
        st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats(), st.binary()),
        lambda inner: st.one_of(st.dictionaries(st.text(), inner), st.lists(inner)),
        max_leaves=20,
    )
)
def test_only_texts_whole_numbers_and_lists_are_left(value: object) -> None:
    def check(found: Any) -> None:
        if isinstance(found, dict):
            for key, inner in found.items():
                assert type(key) is str
                check(inner)
        else:
            assert type(found) in (int, str)

    check(plain({"key": value}))
