"""What a load hands in."""

from __future__ import annotations

from argparse import ArgumentTypeError
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from ixproxy.cli.demo_input import Columns, CsvSource
from ixproxy.cli.load_content import Sizes, made_up, rows_of, sizes
from ixproxy.cli.outcomes import UsageError


def test_sizes_are_one_number_or_a_range() -> None:
    assert sizes("500") == Sizes(500, 500)
    assert sizes("0-2000") == Sizes(0, 2000)
    for text in ("", "x", "5-", "-5", "9-5", "1e3", "999999999"):
        with pytest.raises(ArgumentTypeError, match="expected bytes"):
            sizes(text)


def test_sizes_are_drawn_from_the_whole_range() -> None:
    drawn = [len(each.user_data["Text"]) for each in islice(made_up(Sizes(3, 6), Random(1)), 200)]
    assert set(drawn) == {3, 4, 5, 6}
    fixed = islice(made_up(Sizes(7, 7), Random(1)), 3)
    assert [len(each.user_data["Text"]) for each in fixed] == [7, 7, 7]


def test_a_file_begins_again_when_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("Kind,To,Id\nemail,Q1,a\nchat,Q2,b\n")
    contents = list(islice(rows_of(CsvSource(path, Columns())), 3))
    assert [each.user_data["Id"] for each in contents] == ["a", "b", "a"]
    assert {(each.media_type, each.queue) for each in contents} == {("", "")}
    told = next(rows_of(CsvSource(path, Columns("Kind", "To"))))
    assert (told.media_type, told.queue) == ("email", "Q1")
    assert told.user_data == {"Kind": "email", "To": "Q1", "Id": "a"}


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("A,B\n")
    with pytest.raises(UsageError, match=r"in\.csv has no rows"):
        next(rows_of(CsvSource(path, Columns())))
