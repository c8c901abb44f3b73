from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import Code, LocalProtocolError, RemoteProtocolError
from ixproxy.wire.keyvalues import MAX_DEPTH
from ixproxy.wire.splice import (
    MAX_KEYS,
    drop_extension,
    get_extension,
    set_extension,
    skip,
)

encode = msgspec.msgpack.encode
decode = msgspec.msgpack.decode

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
maps = st.dictionaries(st.text(max_size=12), values, max_size=20)
keys = st.sampled_from(["pull-hold-timeout", "InternalRequestReason", "traceparent", "", "ä"])


def body_of(others: dict[str, Any], extension: dict[str, Any] | None, at: int) -> dict[str, Any]:
    entries = [(key, value) for key, value in others.items() if key != "Extension"]
    if extension is not None:
        entries.insert(at % (len(entries) + 1), ("Extension", extension))
    return dict(entries)


bodies = st.builds(body_of, maps, st.none() | maps, st.integers(0, 30))


@given(bodies, st.dictionaries(keys, values))
def test_a_set_extension_is_all_that_the_decoder_sees_changed(
    body: dict[str, Any], new: dict[str, Any]
) -> None:
    spliced = set_extension(encode(body), new)
    expected = body | {"Extension": body.get("Extension", {}) | new} if new else body
    assert decode(spliced) == expected
    assert list(decode(spliced)) == list(expected)
    assert list(decode(spliced).get("Extension", {})) == list(expected.get("Extension", {}))


@given(bodies, keys, values)
def test_what_was_set_is_read_back_and_dropped_again(
    body: dict[str, Any], key: str, value: object
) -> None:
    before = encode(body)
    spliced = set_extension(before, {key: value})
    assert get_extension(spliced, key) == value
    without = drop_extension(spliced, key)
    assert get_extension(without, key) is None
    if "Extension" in body and key not in body["Extension"]:
        assert decode(without) == body
        # A sixteenth key needs a wider header, which stays.
        assert without == before or len(body["Extension"]) == 15


@given(values, st.binary(max_size=8))
def test_skip_ends_where_the_value_ends(value: object, behind: bytes) -> None:
    encoded = encode(value)
    assert skip(b"\xc0" + encoded + behind, 1) == 1 + len(encoded)


@given(st.binary(max_size=MAX_DEPTH))
def test_bytes_that_the_walker_takes_are_those_that_the_decoder_takes(raw: bytes) -> None:
    try:
        end = skip(raw, 0)
    except RemoteProtocolError:
        with pytest.raises((msgspec.DecodeError, ValueError, TypeError)):
            decode(raw)
    else:
        assert msgspec.msgpack.decode(b"\x91" + raw[:end], type=list[msgspec.Raw])


# How else the same map can be written: wide headers, wide strings, a key twice.
WIDE_KEY = b"\xda\x00\x09Extension"
WIDE = b"\xdf\x00\x00\x00\x02\xa1z\x07" + WIDE_KEY + b"\xde\x00\x01\xd9\x01k\xd3"
WIDE += bytes(7) + b"\x05"


def test_every_other_byte_stays_however_it_was_encoded() -> None:
    assert get_extension(WIDE, "k") == 5
    assert (
        set_extension(WIDE, {"n": 1})
        == WIDE.replace(b"\xde\x00\x01", b"\xde\x00\x02") + b"\xa1n\x01"
    )
    assert set_extension(WIDE, {"k": 1}) == WIDE[:-9] + b"\x01"
    assert drop_extension(WIDE, "k") == WIDE[: WIDE.index(b"\xde")] + b"\xde\x00\x00"
    plain = b"\xdf\x00\x00\x00\x01\xa1z\x07"
    assert set_extension(plain, {"n": 1}) == (
        b"\xdf\x00\x00\x00\x02\xa1z\x07\xa9Extension\x81\xa1n\x01"
    )


def test_an_unknown_attribute_passes_with_its_bytes() -> None:
    unknown = b"\xa7Unknown\xd8\x2a" + bytes(range(16))
    body = b"\x82" + unknown + b"\xa9Extension\x80"
    assert set_extension(body, {"a": 1}) == b"\x82" + unknown + b"\xa9Extension\x81\xa1a\x01"


def test_a_map_grows_a_wider_header_only_when_it_must() -> None:
    fifteen = encode({"Extension": {f"k{number:02}": number for number in range(15)}})
    assert get_extension(set_extension(fifteen, {"x": 1}), "k14") == 14
    assert b"\xa9Extension\xde\x00\x10" in set_extension(fifteen, {"x": 1})
    assert set_extension(fifteen, {"k03": 3}) == fifteen
    outer = encode({f"k{number:02}": number for number in range(15)})
    assert decode(set_extension(outer, {"x": 1})) == decode(outer) | {"Extension": {"x": 1}}


@pytest.mark.parametrize(
    "body",
    [
        b"\x81\xa9Extension\x83\xa1a\x01\xa1b\x02\xa1a\x03",
        b"\x82\xa9Extension\x81\xa1a\x01\xa9Extension\x81\xa1b\x02",
        b"\x82\xa9Extension\x80" + WIDE_KEY + b"\x80",
        b"\x83\xa1z\x01\xa9Extension\x81\xa1a\x01\xa1z\x02",
    ],
)
def test_a_body_with_a_key_twice_is_refused_since_hops_may_differ_in_reading_it(
    body: bytes,
) -> None:
    with pytest.raises(RemoteProtocolError, match="a key is named twice") as refused:
        set_extension(body, {"a": 9})
    assert refused.value.code == Code.BAD_FRAME


def test_keys_without_end_are_not_looked_through() -> None:
    fits = encode({f"k{number:05}": 0 for number in range(MAX_KEYS)})
    assert set_extension(fits, {"k": 1})[-14:] == b"\xa9Extension\x81\xa1k\x01"
    many = encode({f"k{number:05}": 0 for number in range(MAX_KEYS + 1)})
    for body in (many, b"\x81\xa9Extension" + many):
        with pytest.raises(RemoteProtocolError, match="a map has 10001 keys") as refused:
            set_extension(body, {"k": 1})
        assert refused.value.code == Code.BAD_FRAME


def test_nothing_to_do_gives_the_same_body() -> None:
    body = encode({"a": 1})
    assert set_extension(body, {}) is body
    assert drop_extension(body, "b") is body
    assert drop_extension(encode({"Extension": {}}), "b") == encode({"Extension": {}})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not one MessagePack map"),
        (b"\x91\x01", "not one MessagePack map"),
        (b"\xc1", "not one MessagePack map"),
        (b"\x80\x80", "trailing"),
        (b"\xde", "truncated"),
        (b"\xde\x00", "truncated"),
        (b"\xdf\xff\xff\xff\xff", "a map has 4294967295 keys"),
        (b"\x81", "truncated"),
        (b"\x81\xa1a", "truncated"),
        (b"\x81\xa5ab", "truncated"),
        (b"\x82\xa1a\x01\xa1b", "truncated"),
        (b"\x82\xa1a\xa1b", "truncated"),
        (b"\x81\xa1a\xc6\xff\xff\xff\xff", "truncated"),
        (b"\x81\xa1a\xdd\xff\xff\xff\xff", "truncated"),
        (b"\x81\xa1a\xcf\x01", "truncated"),
        (b"\x81\xa1a\xc1", "invalid opcode"),
        (b"\x81\x01\x02", "Expected `str`, got `int`"),
        (b"\x81\x90\x02", "Expected `str`, got `array`"),
        (b"\x81\xa1\xff\x02", "utf-8"),
        (b"\x81\xa9Extension\x81\xc4\x01a\x02", "Expected `str`, got `bytes`"),
        (b"\x81\xa1a" + b"\x81\xa1a" * 300_000 + b"\x01", "recursion"),
    ],
)
def test_a_broken_body_is_refused_as_a_bad_frame(body: bytes, says: str) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: set_extension(body, {"k": 1}),
        lambda: drop_extension(body, "k"),
        lambda: get_extension(body, "k"),
    )
    for call in calls:
        with pytest.raises(RemoteProtocolError, match=says) as refused:
            call()
        assert refused.value.code == Code.BAD_FRAME
        assert not refused.value.fatal


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "cut off at 0"),
        (b"\xde", "cut off"),
        (b"\xdc\x00", "cut off"),
        (b"\xdd\xff\xff\xff\xff", "cut off at 5"),
        (b"\xdf\xff\xff\xff\xff", "cut off at 5"),
        (b"\x82\xa1a\x01\xa1b", "cut off at 6"),
        (b"\xa5ab", "cut off"),
        (b"\xdb\xff\xff\xff\xff", "cut off"),
        (b"\xc7\x05\x01", "cut off"),
        (b"\xcf\x01", "cut off"),
        (b"\xc1", "byte 0 is 0xc1"),
        (b"\x93\x01\xc1\x01", "byte 2 is 0xc1"),
        (b"\x91" * (MAX_DEPTH + 1) + b"\x01", "nested deeper than 32 levels at 33"),
        (b"\x81\xa1a" * 300_000 + b"\x01", "nested deeper than 32 levels"),
    ],
)
def test_the_walker_refuses_what_is_no_whole_value(raw: bytes, says: str) -> None:
    with pytest.raises(RemoteProtocolError, match=says) as refused:
        skip(raw, 0)
    assert refused.value.code == Code.BAD_FRAME


def test_the_deepest_value_that_is_allowed_is_walked() -> None:
    body = b"\x91" * MAX_DEPTH + b"\x01"
    assert skip(body, 0) == len(body)
    assert skip(b"\x93" + b"\x90" * 3, 0, 2) == 4
    with pytest.raises(RemoteProtocolError, match="nested deeper"):
        skip(b"\x91\x90", 0, 1)


def test_an_extension_that_is_no_map_is_named() -> None:
    with pytest.raises(RemoteProtocolError, match="Extension: it is not a map") as refused:
        set_extension(encode({"Extension": [1]}), {"k": 1})
    assert refused.value.code == Code.BAD_ATTRIBUTE


def test_a_value_that_cannot_be_decoded_is_named() -> None:
    with pytest.raises(RemoteProtocolError, match=r"Extension\['k'\]: .*utf-8") as refused:
        get_extension(b"\x81\xa9Extension\x81\xa1k\xa1\xff", "k")
    assert refused.value.code == Code.BAD_ATTRIBUTE


def test_our_own_value_that_cannot_be_encoded_is_our_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="Extension"):
        set_extension(b"\x80", {"k": 1 << 70})
