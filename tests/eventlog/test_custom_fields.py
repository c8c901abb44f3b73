"""Custom fields are read from the deployment file, and converted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.errors import ConfigProblem
from ixproxy.eventlog.custom_fields import (
    MAX_FIELDS,
    MAX_NAME,
    TYPES,
    CustomField,
    converted,
    read_fields,
)


def test_a_key_alone_is_a_text_and_a_table_says_more() -> None:
    problems: list[ConfigProblem] = []
    fields = read_fields(
        {"customer": "Customer Name", "amount": {"key": "Amount", "type": "integer"}}, problems
    )
    assert problems == []
    assert fields == (
        CustomField("customer", "Customer Name", "text"),
        CustomField("amount", "Amount", "integer"),
    )
    assert [field.column for field in fields] == ["c_customer", "c_amount"]


@pytest.mark.parametrize(
    ("given", "key", "words"),
    [
        ({"Customer": "x"}, "Customer", "small letters"),
        ({"1a": "x"}, "1a", "a letter first"),
        ({"a-b": "x"}, "a-b", "small letters"),
        ({"a" * (MAX_NAME + 1): "x"}, "a" * (MAX_NAME + 1), str(MAX_NAME)),
        ({"a": 5}, "a", "not 5"),
        ({"a": ""}, "a", "key: expected"),
        ({"a": {"key": 5}}, "a", "key: expected"),
        ({"a": {"type": "text"}}, "a", "key: missing; expected a key"),
        ({"a": {"key": "x", "type": "blob"}}, "a", "text, integer, number, time, not 'blob'"),
        ({"a": {"key": "x", "type": ["text"]}}, "a", "type: expected"),
        ({"a": {"key": "x", "kind": "text"}}, "a", "no key 'kind'"),
        ("nothing", "custom-fields", "expected a table"),
        ({f"a{at}": "x" for at in range(MAX_FIELDS + 1)}, "custom-fields", str(MAX_FIELDS)),
    ],
)
def test_what_is_wrong_is_said_with_its_place(given: object, key: str, words: str) -> None:
    problems: list[ConfigProblem] = []
    read_fields(given, problems)
    assert [problem.key for problem in problems] == [key]
    assert words in problems[0].text


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("text", "ä", "ä"),
        ("text", 5, "5"),
        ("text", 2.5, "2.5"),
        ("text", True, "true"),
        ("text", b"x", None),
        ("text", ["x"], None),
        ("integer", 5, 5),
        ("integer", True, 1),
        ("integer", "-17", -17),
        ("integer", 5.0, 5),
        ("integer", 5.5, None),
        ("integer", "5.5", None),
        ("integer", "9" * 5000, None),
        ("integer", 2**63, None),
        ("integer", str(2**63), None),
        ("integer", float("nan"), None),
        ("integer", float("inf"), None),
        ("integer", {}, None),
        ("number", 5, 5.0),
        ("number", "2.5e3", 2500.0),
        ("number", "nan", None),
        ("number", float("inf"), None),
        ("number", 10**400, None),
        ("number", "many", None),
        ("number", None, None),
        ("time", 1.5, 1.5),
        ("time", "2026-11-26T05:00:00Z", 1795669200.0),
        ("time", "2026-11-26T06:00:00+01:00", 1795669200.0),
        ("time", "2026-11-26 05:00:00", 1795669200.0),
        ("time", "tomorrow", None),
        ("time", "0001-01-01T00:00:00", None),
        ("time", -1, None),
        ("time", True, None),
        ("time", float("nan"), None),
        ("time", 10**12, None),
    ],
)
def test_a_value_is_converted_or_is_nothing_like_that(kind: str, value: Any, found: Any) -> None:
    assert converted(kind, value) == found
    assert type(converted(kind, value)) is type(found)


@given(
    st.sampled_from(list(TYPES)),
    st.none() | st.text() | st.integers() | st.floats() | st.binary() | st.lists(st.none()),
)
def test_no_value_is_an_error(kind: str, value: Any) -> None:
    found = converted(kind, value)
    assert found is None or isinstance(found, {"text": str, "integer": int}.get(kind, float))
