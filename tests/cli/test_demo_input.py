"""What the demo hands in."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from ixproxy.cli.demo_input import (
    Columns,
    CsvSource,
    MadeUp,
    Work,
    columns_of,
    keys_of,
    name_of,
    survey,
)
from ixproxy.cli.outcomes import UsageError

BY = Columns("media", "queue", "id")


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("media=a,queue=b", Columns("a", "b")),
        ("queue=b, media=Submitted via", Columns("Submitted via", "b")),
        ('media="Submitted via",queue=Product', Columns("Submitted via", "Product")),
        ('media="a, or b",queue=q,external-id=x', Columns("a, or b", "q", "x")),
    ],
)
def test_columns_are_said_by_name(text: str, columns: Columns) -> None:
    assert columns_of(text) == columns


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("media=a", "expected also queue"),
        ("media=a,queue=b,media=c", "media is said twice"),
        ("media=a,queue=b,state=c", "external-id=COLUMN, not 'state=c'"),
        ("media=a,queue=", "not 'queue='"),
        ('media="a,queue=b', "expected also queue"),
        ('media=a,queue="b', "a closing quote"),
    ],
)
def test_a_map_that_is_none_says_what_was_expected(text: str, problem: str) -> None:
    with pytest.raises(ArgumentTypeError, match=problem):
        columns_of(text)


def test_every_column_becomes_user_data_whatever_is_in_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "\ufeffid,media,queue,text\r\n"
        '7,Web,Orders,"two ""lines"",\r\nand a comma"\r\n'
        "\r\n"
        "8,,Billing,\r\n"
        "9,Fax,Orders,größer €\r\n",
    )
    assert list(CsvSource(path, BY)) == [
        Work(0, "Web", "Orders", {
            "id": "7", "media": "Web", "queue": "Orders",
            "text": 'two "lines",\r\nand a comma', "ExternalId": "7",
        }),
        Work(1, "none", "Billing", {
            "id": "8", "media": "", "queue": "Billing", "text": "", "ExternalId": "8",
        }),
        Work(2, "Fax", "Orders", {
            "id": "9", "media": "Fax", "queue": "Orders", "text": "größer €", "ExternalId": "9",
        }),
    ]  # fmt: skip


def test_a_source_can_be_read_again_and_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path, "id,media,queue\n" + "".join(f"{n},m,q\n" for n in range(5)))
    source = CsvSource(path, BY, limit=3)
    assert [work.number for work in source] == [0, 1, 2]
    assert list(source) == list(source)


def test_ragged_rows_lose_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "media,queue,a\nm,q\nm,q,1,2,3\n")
    short, long = CsvSource(path, Columns("media", "queue"))
    assert short.user_data == {"media": "m", "queue": "q", "a": ""}
    assert list(long.user_data.values()) == ["m", "q", "1", "2", "3"]
    assert len(long.user_data) == 5


def test_keys_that_the_server_keeps_for_itself_and_twins_get_an_underscore() -> None:
    assert keys_of(["Queue", "queue", "a", "a", "", "Priority", "State"]) == [
        "Queue_", "queue", "a", "a_", "column 5", "Priority_", "State",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "name"),
    [("  ", "none"), ("two\nlines ", "two lines"), ("x" * 300, "x" * 200), ("é" * 150, "é" * 100)],
)
def test_a_cell_becomes_a_name(cell: str, name: str) -> None:
    assert name_of(cell) == name


def test_another_encoding_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, "id,media,queue\n1,Büro,q\n", "latin-1")
    (work,) = CsvSource(path, BY, "latin-1")
    assert work.media_type == "Büro"
    with pytest.raises(UsageError, match="try another --encoding"):
        list(CsvSource(path, BY))
    with pytest.raises(UsageError, match="try another --encoding"):
        list(CsvSource(path, BY, "no-such-encoding"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("id,media\n1,m\n", "has no one column 'queue'; it has: id, media"),
        ("id,media,queue,queue\n", "has no one column 'queue'"),
        ('id,media,queue\n1,m,"q\n', "not CSV"),
        ("id,media,queue\n", "has no rows"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        survey(CsvSource(write(tmp_path, text), BY))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.csv: No such file"):
        list(CsvSource(tmp_path / "nowhere.csv", BY))


def test_a_survey_says_what_must_be_declared(tmp_path: Path) -> None:
    path = write(tmp_path, "id,media,queue\n1,m,q\n2,n,q\n3,m,r\n")
    found = survey(CsvSource(path, BY))
    assert (found.count, found.media_types, found.queues) == (
        3, {"m": 2, "n": 1}, {"q": 2, "r": 1},
    )  # fmt: skip


def test_a_column_with_a_name_for_each_row_is_no_media_type(tmp_path: Path) -> None:
    rows = "".join(f"{n},m,queue {n}\n" for n in range(1001))
    path = write(tmp_path, "id,media,queue\n" + rows)
    with pytest.raises(UsageError, match="more than 1000 queues"):
        survey(CsvSource(path, BY))


def test_made_up_ones_are_the_same_each_time_and_of_several_media() -> None:
    source = MadeUp(400)
    assert list(source) == list(source)
    assert len(survey(source).media_types) == 4
    assert any(not text.isascii() for work in source for text in work.user_data.values())
    assert list(MadeUp(400, seed=2)) != list(source)
