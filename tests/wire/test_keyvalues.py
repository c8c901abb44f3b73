from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.wire.keyvalues import MAX_DEPTH, check_key_values


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_strings_numbers_bytes_and_nested_lists_pass() -> None:
    check_key_values(
        {
            "text": "é",
            "number": -(2**63),
            "greatest": 2**63 - 1,
            "real": 1.5,
            "flag": True,
            "nothing": None,
            "bytes": b"\0",
            "list": [1, {"a": [None]}],
            "map": {"": {}},
        },
        "UserData",
    )


def test_nesting_passes_up_to_the_limit() -> None:
    # The body and the list itself are the first two levels.
    check_key_values({"k": nested(MAX_DEPTH - 2)}, "UserData")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (2**63, "is greater than 2"),
        ([{"a": 2**64 - 1}], "is greater than 2"),
        ({1: 2}, "a key is int, expected str"),
        ([{"a": {b"k": 2}}], "a key is bytes, expected str"),
        ([datetime(2026, 1, 1, tzinfo=UTC)], "extension type"),
        (msgspec.msgpack.Ext(5, b"x"), "extension type"),
        (nested(MAX_DEPTH - 1), "nested deeper than 32 levels"),
        (nested(100_000), "nested deeper than 32 levels"),
    ],
)
def test_what_no_store_takes_is_refused_with_its_key(value: object, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        check_key_values({"fine": 1, "k": value}, "UserData")
    assert refused.value.code == Code.BAD_ATTRIBUTE
    assert refused.value.description.startswith("UserData['k']: ")
