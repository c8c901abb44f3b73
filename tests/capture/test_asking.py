"""Keys of a capture point's table: texts, lists and tables."""

from __future__ import annotations

import pytest

from ixproxy.capture.asking import Keys
from ixproxy.errors import ConfigError


def mistakes(keys: Keys) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        keys.finish()
    return [f"{problem.key}: {problem.text}" for problem in wrong.value.problems]


def test_what_is_there_is_read() -> None:
    keys = Keys({"a": "text", "b": ["x", "y"], "c": {"d": 1}})
    assert keys.text("a") == "text"
    assert keys.needed_text("a", "a text") == "text"
    assert keys.text("no", "default") == "default"
    assert keys.texts("b") == ("x", "y")
    assert keys.texts("no", ("z",)) == ("z",)
    assert keys.table("c", "{}") == {"d": 1}
    assert keys.table("no", "{}") == {}
    keys.finish()


def test_what_is_wrong_is_named_and_no_secret_quoted() -> None:
    keys = Keys({"a": 1, "b": ["x", ""], "c": "no table", "password": 7, "empty": ""})
    keys.text("a")
    keys.texts("b")
    keys.table("c", "{ x = 1 }")
    keys.text("password", secret=True)
    keys.needed_text("empty", "a name")
    keys.needed_text("missing", "a name")
    keys.needed_text("password", "a password", secret=True)
    assert mistakes(keys) == [
        "a: expected a text, not 1",
        "b: expected a list of texts, not ['x', '']",
        "c: expected a table such as { x = 1 }",
        "password: expected a text",
        "empty: missing; expected a name",
        "missing: missing; expected a name",
        "password: expected a password",
    ]
