from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ixproxy.errors import Code, RemoteProtocolError, RequestRefused
from ixproxy.messages import (
    EventAck,
    EventAgentWorkbinStats,
    EventInteractionsFound,
    EventPulledInteractions,
    EventSnapshotTaken,
    RequestRegisterClient,
    RequestSubmit,
)
from ixproxy.wire.bodies import add, join_bodies, split_body, without_ids
from ixproxy.wire.names import BY_MESSAGE

encode = msgspec.msgpack.encode
decode = msgspec.msgpack.decode

FOUND = BY_MESSAGE[EventInteractionsFound]
PULLED = BY_MESSAGE[EventPulledInteractions]
ACK = BY_MESSAGE[EventAck]
REGISTER = BY_MESSAGE[RequestRegisterClient]


def found(count: int, size: int, **others: Any) -> dict[str, Any]:
    ids = [f"id{number:04}" for number in range(count)]
    return {
        "Interactions": {key: {"InteractionUserData": {"text": "x" * size}} for key in ids},
        "SortKeys": {key: key.encode() for key in ids},
        **others,
    }


def test_a_body_that_fits_stays_as_it_is() -> None:
    body = encode(found(3, 10))
    assert split_body(body, FOUND, len(body)) == [body]
    assert split_body(b"no map", FOUND, 6) == [b"no map"]


def test_all_maps_are_divided_at_the_same_ids_and_the_rest_stands_in_the_first() -> None:
    body = encode(found(50, 100, HaveMore=True, Unknown=[1, 2], Extension={"k": 1}))
    parts = [decode(part) for part in split_body(body, FOUND, 1000)]
    assert len(parts) > 5
    assert all(part["Interactions"].keys() == part["SortKeys"].keys() for part in parts)
    assert {"HaveMore", "Unknown", "Extension"} <= parts[0].keys()
    assert all(part.keys() == {"Interactions", "SortKeys"} for part in parts[1:])
    assert [key for part in parts for key in part["Interactions"]] == list(
        decode(body)["Interactions"]
    )


def test_parts_keep_to_the_room_and_use_most_of_it() -> None:
    body = encode(found(200, 50))
    parts = split_body(body, FOUND, 2000)
    assert max(map(len, parts)) <= 2000
    assert min(map(len, parts[:-1])) > 2000 - 150


def test_ids_without_a_leading_entry_follow_those_with_one() -> None:
    errors = {f"id{number:02}": 43 for number in range(30)}
    body = encode({"Errors": errors, "Interactions": {"a": {"k": "x" * 80}}})
    parts = [decode(part) for part in split_body(body, PULLED, 150)]
    assert len(parts) > 1
    assert parts[0]["Interactions"] == {"a": {"k": "x" * 80}}
    assert all(part.keys() == {"Errors"} for part in parts[1:])
    assert [key for part in parts for key in part["Errors"]] == list(errors)


def test_a_long_rest_has_the_first_part_to_itself() -> None:
    body = encode(found(2, 400, Extension={"k": "x" * 450}))
    parts = [decode(part) for part in split_body(body, FOUND, 560)]
    assert parts[0] == {"Extension": {"k": "x" * 450}}
    assert [list(part["Interactions"]) for part in parts[1:]] == [["id0000"], ["id0001"]]


def test_counts_and_flags_are_not_doubled_by_dividing() -> None:
    body = encode({"Statistics": {f"queue{number}": number for number in range(100)}})
    row = BY_MESSAGE[EventAgentWorkbinStats]
    parts = split_body(body, row, 200)
    assert len(parts) > 3
    assert join_bodies(parts, row) == body


@pytest.mark.parametrize(
    ("row", "body", "says"),
    [
        (FOUND, found(3, 2000), "'id0000' takes 20"),
        (FOUND, {"Interactions": {}, "Extension": {"k": "x" * 1000}}, "what cannot be divided"),
        (BY_MESSAGE[RequestSubmit], {"UserData": {"k": "x" * 1000}}, "what cannot be divided"),
        (REGISTER, {"ClientName": "n" * 990, "Holding": {"a" * 20: 1}}, "takes"),
    ],
)
def test_what_cannot_be_divided_and_does_not_fit_is_too_large(
    row: Any, body: dict[str, Any], says: str
) -> None:
    with pytest.raises(RequestRefused, match=says) as refused:
        split_body(encode(body), row, 1000)
    assert refused.value.code == Code.TOO_LARGE
    assert row.name in refused.value.description


def test_a_registration_says_in_every_part_whose_it_is() -> None:
    body = {
        "ClientName": "desk-1",
        "ClientType": "AgentApplication",
        "Session": b"s" * 16,
        "Holding": {f"id{number:04}": number for number in range(100)},
    }
    parts = [decode(part) for part in split_body(encode(body), REGISTER, 300)]
    assert len(parts) > 3
    assert all(part["ClientName"] == "desk-1" and part["Session"] for part in parts)
    assert [part.get("HoldingContinues", False) for part in parts] == [
        *[True] * (len(parts) - 1),
        False,
    ]
    assert decode(join_bodies([encode(part) for part in parts], REGISTER)) == body


def test_what_a_session_holds_is_divided_in_the_answer_too() -> None:
    body = {
        "ProxyClientId": 7,
        "Server": {"Name": "ixn1"},
        "Held": {f"id{number:04}": number for number in range(100)},
    }
    parts = [decode(part) for part in split_body(encode(body), ACK, 300)]
    assert [part.get("HeldContinues", False) for part in parts].count(False) == 1
    assert [part.get("ProxyClientId", 0) for part in parts] == [7] + [0] * (len(parts) - 1)
    assert decode(join_bodies([encode(part) for part in parts], ACK)) == body


def test_a_part_that_is_divided_again_still_says_that_more_follows() -> None:
    body = {"Held": {f"id{number:04}": number for number in range(100)}, "HeldContinues": True}
    parts = [decode(part) for part in split_body(encode(body), ACK, 300)]
    assert all(part["HeldContinues"] is True for part in parts)
    assert decode(join_bodies([encode(part) for part in parts], ACK)) == body


def test_values_are_moved_and_never_encoded_anew() -> None:
    # 1 as a 64-bit number, and "a" with a 32-bit length: no encoder of ours writes them so.
    wide = b"\x81\xdb\x00\x00\x00\x01a\xd3\x00\x00\x00\x00\x00\x00\x00\x01"
    one = b"\x81\xacInteractions\x81\xa2id" + wide
    two = b"\x82\xacInteractions\x81\xa3id2\x80\xa8HaveMore\xc3"
    joined = join_bodies([one, two], FOUND)
    assert joined == b"\x82\xacInteractions\x82\xa2id" + wide + b"\xa3id2\x80\xa8HaveMore\xc3"


def test_joining_puts_maps_one_behind_another_and_keeps_the_first_of_the_rest() -> None:
    bodies = [
        {"Interactions": {"b": {"n": 1}, "a": {}}, "HaveMore": False, "NextSortKey": b"1"},
        {"Interactions": {"b": {"n": 2}, "c": {}}, "HaveMore": True, "NextSortKey": b"2"},
        {"TakeNumbers": {"c": 5}, "Unknown": "kept"},
    ]
    joined = decode(join_bodies([encode(body) for body in bodies], PULLED))
    assert joined == {
        "Interactions": {"b": {"n": 1}, "a": {}, "c": {}},
        "HaveMore": True,
        "NextSortKey": b"1",
        "TakeNumbers": {"c": 5},
        "Unknown": "kept",
    }
    assert list(joined["Interactions"]) == ["b", "a", "c"]


def test_joining_adds_counts() -> None:
    row = BY_MESSAGE[EventSnapshotTaken]
    bodies = [encode({"SnapshotId": 4, "NumberOfInteractions": count}) for count in (3, 0, 4)]
    assert decode(join_bodies(bodies, row)) == {"SnapshotId": 4, "NumberOfInteractions": 7}
    assert add({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 5, "c": 4}


@pytest.mark.parametrize(
    ("bad", "code", "says"),
    [
        (b"\xc1", Code.BAD_FRAME, "body of EventInteractionsFound"),
        (encode({"Interactions": [1]}), Code.BAD_ATTRIBUTE, "Interactions: Expected `object`"),
        (encode({"HaveMore": 3}), Code.BAD_ATTRIBUTE, "HaveMore: Expected `bool`"),
        (encode({"Interactions": {1: {}}}), Code.BAD_ATTRIBUTE, "Interactions: Expected `str`"),
        (b"\x81\xacInteractions\x81\xa1\xff\x80", Code.BAD_ATTRIBUTE, "Interactions: .*utf-8"),
    ],
)
def test_a_broken_part_is_named(bad: bytes, code: int, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        join_bodies([encode({"HaveMore": True}), bad], FOUND)
    assert refused.value.code == code


def test_counts_of_two_shapes_or_beyond_64_bits_do_not_add_up() -> None:
    with pytest.raises(RemoteProtocolError, match="do not add up"):
        add(1, {"a": 1})
    row = BY_MESSAGE[EventAgentWorkbinStats]
    for counts in ({"a": 2**63 - 1}, 2**63 - 1):
        body = encode({"Statistics": counts})
        with pytest.raises(RemoteProtocolError, match="add up to too much") as refused:
            join_bodies([body, body], row)
        assert refused.value.code == Code.BAD_ATTRIBUTE


def test_an_id_can_be_left_out_of_all_maps_and_the_rest_stays() -> None:
    body = encode(found(3, 10, HaveMore=True, Unknown={"id0001": 5}))
    left = decode(without_ids(body, FOUND, ["id0001", "stranger"]))
    assert list(left["Interactions"]) == list(left["SortKeys"]) == ["id0000", "id0002"]
    assert (left["HaveMore"], left["Unknown"]) == (True, {"id0001": 5})
    with pytest.raises(RemoteProtocolError, match="Interactions"):
        without_ids(encode({"Interactions": 1}), FOUND, ["id0001"])
