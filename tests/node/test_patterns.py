"""The patterns of LIKE; test_evaluation holds them against SQLite."""

from __future__ import annotations

import pytest

from ixproxy.node.patterns import fitting, like_pattern
from ixproxy.node.terms import Wild


def test_a_pattern_is_characters_and_wildcards() -> None:
    assert like_pattern("a%_b", "") == ("a", Wild.ANY, Wild.ONE, "b")
    assert like_pattern("100!%!!", "!") == ("1", "0", "0", "%", "!")
    assert like_pattern("a!", "!") is None


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("a%", "abc", True),
        ("a%", "Abc", False),
        ("%c", "abc", True),
        ("%b%", "abc", True),
        ("a%b%c", "a1b2b3c", True),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        ("__", "€é", True),
        ("a*", "abc", False),
        ("[a]", "a", False),
        ("%%%", "x", True),
        ("a%b", "ab\nb", True),
    ],
)
def test_a_pattern_fits_whole_texts_and_minds_case(pattern: str, text: str, fits: bool) -> None:
    signs = like_pattern(pattern, "")
    assert signs is not None
    assert fitting(signs)(text) is fits


@pytest.mark.parametrize("pattern", ["%a" * 2000 + "%b", "%" + "a" * 4000 + "b%", "_" * 4000])
def test_a_pattern_made_to_be_slow_comes_to_its_end(pattern: str) -> None:
    signs = like_pattern(pattern, "")
    assert signs is not None
    assert not fitting(signs)("a" * 50_000)
