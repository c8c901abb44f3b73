from __future__ import annotations

import msgspec

from ixproxy.messages import Workbin
from ixproxy.node.answers import (
    decoded,
    encode_map,
    interaction_properties,
    party_shown,
    workbin_shown,
)
from ixproxy.node.properties import SYSTEM_PROPERTIES, Kind
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.values import InteractionState, PartyType

ROW = InteractionRow(id="i", tenant_id=1, media_type="email", queue="Q")
PARTY = PartyRow(
    interaction_id="i",
    session=b"s",
    tenant_id=1,
    party_type=PartyType.AGENT,
    take_number=1,
    joined_at=0.0,
    agent_id="Ann",
    place_id="P",
)


def test_an_interaction_shows_what_it_has_and_some_that_always_count() -> None:
    assert interaction_properties(ROW) == {
        "InteractionId": "i",
        "TenantId": 1,
        "MediaType": "email",
        "InteractionState": 0,
        "Queue": "Q",
        "PlaceInQueueSeq": 0,
        "IsLocked": 0,
        "IsOnline": 0,
        "IsHeld": 0,
        "ReceivedAt": 0.0,
        "SubmittedAt": 0.0,
        "UserData": {},
    }


def test_every_property_that_is_set_is_shown() -> None:
    kinds = {Kind.NUMBER: 1, Kind.STRING: "x", Kind.TIMESTAMP: 5.0, Kind.BLOB: encode_map({"q": 1})}
    columns = {known.column: kinds[known.kind] for known in SYSTEM_PROPERTIES}
    row = InteractionRow(**columns, user_data=encode_map({"a": 1}))  # type: ignore[arg-type]
    shown = interaction_properties(row)
    assert shown.keys() == {known.name for known in SYSTEM_PROPERTIES} | {"UserData"}
    assert shown["InQueues"] == shown["OutQueues"] == {"q": 1}
    assert shown["UserData"] == {"a": 1}


def test_states_are_shown_as_plain_numbers() -> None:
    row = msgspec.structs.replace(ROW, state=InteractionState.HANDLING)
    assert type(interaction_properties(row)["InteractionState"]) is int


def test_who_has_it_is_shown() -> None:
    shown = interaction_properties(ROW, PARTY)
    assert (shown["AgentId"], shown["PlaceId"]) == ("Ann", "P")
    strategy = msgspec.structs.replace(PARTY, party_type=1, strategy_id="S")
    assert interaction_properties(ROW, strategy)["StrategyId"] == "S"


def test_an_empty_key_value_list_is_none() -> None:
    assert decoded(b"") == decoded(b"\x80") == {}
    assert decoded(encode_map({"a": [1]})) == {"a": [1]}


def test_a_party_shows_its_kind_and_name() -> None:
    shown = party_shown(PARTY)
    assert (shown.party_type, shown.agent_id, shown.place_id) == (2, "Ann", "P")


def test_a_workbin_is_shown_where_there_is_one() -> None:
    assert workbin_shown(ROW) is None
    row = msgspec.structs.replace(ROW, workbin_type="Team", workbin_group="Sales")
    assert workbin_shown(row) == Workbin(workbin_type_id="Team", workbin_group_id="Sales")
