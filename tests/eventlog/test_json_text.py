"""Any value has a JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.json_text import DEEPEST, json_text, plain

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary()
    | st.text(st.characters())
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner, max_size=4)
    ),
)


@given(VALUES)
def test_it_is_valid_and_has_no_nul_whatever_the_value(value: Any) -> None:
    text = json_text(value)
    json.loads(text)
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "ä", None, True]}, '{"a":[1,"ä",null,true]}'),
        (b"\xff\x00", '"/wA="'),
        (float("nan"), "null"),
        (float("-inf"), "null"),
        (2**200, str(2**200)),
        ("a\0b", '"a\\u0000b"'),
        ({1: 2}, '{"1":2}'),
        ({None: 2, (1, 2): 3}, '{"None":2,"(1, 2)":3}'),
        ("\ud800", '"?"'),
        ({"\ud800": [{1j}]}, '{"?":[["1j"]]}'),
    ],
)
def test_what_json_has_not_is_written_as_something_that_it_has(value: Any, text: str) -> None:
    assert json_text(value) == text


def test_what_is_nested_too_deep_is_cut() -> None:
    nested: Any = []
    for _ in range(5000):
        nested = [nested]
    text = json_text(nested)
    json.loads(text)
    assert plain(nested) != nested
    assert text.count("[") >= DEEPEST
