from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.config_lines import Lines, Path, dotted
from tests.deployments import EVERYTHING, EXAMPLE, SMALL

TEXT = '''\
# [applications.not-this] = "x"
top = 1
[applications]   # a comment with = and [brackets]
[applications."ixn 1"]
  dbid = 101
listen = """
endpoint = "not this"
[applications.nor-this]
"""
tenants = [
  "a", # ] a comment in a list
  "[b]",
]
endpoint = 'tcp:a:1'
options.settings.max-frame = 1
"quoted \\u00e9" = 2
[[applications."ixn 1".allow]]
subject = "x"
[[applications."ixn 1".allow]]
subject = "y"
[applications."ixn 1".allow.deeper]
key = { inner = [1,
  2], other = 3 }
[applications.ixn2.options.settings]
a = 1
[applications.ixn2]
b = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("applications",), 3),
        (("applications", "ixn 1"), 4),
        (("applications", "ixn 1", "dbid"), 5),
        (("applications", "ixn 1", "listen"), 6),
        (("applications", "ixn 1", "tenants"), 10),
        (("applications", "ixn 1", "endpoint"), 14),
        (("applications", "ixn 1", "options", "settings", "max-frame"), 15),
        (("applications", "ixn 1", "options", "settings", "missing"), 15),
        (("applications", "ixn 1", "quoted é"), 16),
        (("applications", "ixn 1", "allow"), 17),
        (("applications", "ixn 1", "allow", 0, "subject"), 18),
        (("applications", "ixn 1", "allow", 1), 19),
        (("applications", "ixn 1", "allow", 1, "subject"), 20),
        (("applications", "ixn 1", "allow", 1, "deeper", "key", "inner"), 22),
        (("applications", "ixn2", "options", "settings", "a"), 25),
        (("applications", "ixn2"), 26),
        (("applications", "ixn2", "missing"), 26),
        (("applications", "not-this"), 3),
        (("nothing",), 0),
        ((), 0),
    ],
)
def test_a_table_or_key_is_found_on_its_line(path: Path, line: int) -> None:
    assert Lines(TEXT).line(path) == line
    assert Lines(TEXT.replace("\n", "\r\n")).line(path) == line


def paths(table: dict[str, Any], path: Path = ()) -> list[tuple[Path, object]]:
    found: list[tuple[Path, object]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += paths(value, (*path, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, each in enumerate(value):
                found += paths(each, (*path, key, place))
        else:
            found.append(((*path, key), value))
    return found


@pytest.mark.parametrize("text", [SMALL, EVERYTHING, EXAMPLE.read_text()])
def test_every_key_that_toml_has_is_on_the_line_that_is_found(text: str) -> None:
    lines = text.splitlines()
    for path, _ in paths(tomllib.loads(text)):
        number = Lines(text).line(path)
        assert str(path[-1]) in lines[number - 1], path


@given(st.text("ab.[]{}\"'\\#=\n ", max_size=80))
def test_no_text_confuses_the_scan(text: str) -> None:
    found = Lines(text)
    assert 0 <= found.line(("a", "b")) <= text.count("\n") + 1


def test_a_table_is_named_as_the_file_would_name_it() -> None:
    assert dotted(("applications", "ixn1", "allow", 1)) == "applications.ixn1.allow#2"
    assert dotted(("tenants", 'a "b"', "c.d")) == 'tenants."a \\"b\\""."c.d"'
