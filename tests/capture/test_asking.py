"""Texts, lists, tables and secrets of a capture point's table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.capture.asking import LONGEST_SECRET, Keys, read_secret
from ixproxy.errors import ConfigError


def test_what_is_there_is_read_and_what_is_not_has_a_default() -> None:
    keys = Keys({"a": "x", "b": ["y", "z"], "c": {"d": 1}, "n": "needed"})
    assert keys.text("a") == "x"
    assert keys.text("missing", "default") == "default"
    assert keys.texts("b") == ("y", "z")
    assert keys.texts("none", ("q",)) == ("q",)
    assert keys.table("c", "{}") == {"d": 1}
    assert keys.table("none", "{}") == {}
    assert keys.needed_text("n", "a text") == "needed"
    keys.finish()


def test_what_is_unusable_is_named_and_what_is_secret_not_quoted() -> None:
    keys = Keys({"a": 5, "b": ["", "z"], "c": "hidden", "e": 7, "f": 8, "s": 9})
    keys.text("a")
    keys.text("s", secret=True)
    keys.texts("b")
    keys.table("c", '{ "x" = 1 }')
    keys.needed_text("d", "a name")
    keys.needed_text("e", "an address", secret=True)
    keys.needed_text("f", "a name")
    with pytest.raises(ConfigError) as refused:
        keys.finish()
    assert {problem.key: problem.text for problem in refused.value.problems} == {
        "a": "expected a text, not 5",
        "s": "expected a text",
        "b": "expected a list of texts, not ['', 'z']",
        "c": 'expected a table such as { "x" = 1 }',
        "d": "missing; expected a name",
        "e": "expected an address",
        "f": "expected a name, not 8",
    }


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\n\n"])
def test_a_secret_is_the_one_line_of_its_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    assert read_secret(str(file)) == "hunter2"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "one line"),
        (b"\nhunter2", "one line"),
        (b"hunter2\nmore", "one line"),
        (b"\xff", "no UTF-8"),
        (b"s" * (LONGEST_SECRET + 1), "longer than"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words) as refused:
        read_secret(str(file))
    assert "hunter2" not in str(refused.value)


def test_a_secret_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_secret(str(tmp_path / "none"))
