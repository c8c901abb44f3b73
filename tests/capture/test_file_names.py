"""How files are called."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.capture.file_names import (
    by_id,
    count_of,
    counted,
    first_free,
    fitting,
    is_document,
    numbered,
    printable,
    reason_name,
)


@pytest.mark.parametrize("name", ["a.xml", "a", "a.XML", "a.tmp.xml", "tmp", "ä.xml"])
def test_finished_files_of_any_name_are_documents(name: str) -> None:
    assert is_document(name)


@pytest.mark.parametrize("name", [".a.xml", ".", "a.tmp", "a.xml.TMP", "a.part", "a.filepart"])
def test_hidden_and_unfinished_ones_are_not(name: str) -> None:
    assert not is_document(name)


@pytest.mark.parametrize(
    ("name", "number", "found"),
    [
        ("a.xml", 0, "a.xml"),
        ("a.xml", 1, "a.1.xml"),
        ("a.tar.gz", 12, "a.tar.12.gz"),
        ("a", 0, "a"),
        ("a", 2, "a.2"),
        (".a", 1, ".a.1"),
        ("a.", 1, "a.1."),
        ("n" * 251 + ".xml", 10, "n" * 248 + ".10.xml"),
        ("a." + "x" * 253, 1, "a.1." + "x" * 251),
    ],
)
def test_a_number_stands_before_the_last_part(name: str, number: int, found: str) -> None:
    assert numbered(name, number) == found


@given(st.text(min_size=1, max_size=255), st.integers(0, 10**6))
def test_no_name_is_longer_than_a_name_may_be(name: str, number: int) -> None:
    name = name.encode("utf-8", "ignore")[:255].decode("utf-8", "surrogateescape")
    for made in (numbered(name, number), reason_name(name), fitting(name, ".tmp")):
        assert len(os.fsencode(made)) <= 255


@pytest.mark.parametrize("taken", [0, 1, 9, 10, 11, 18, 19, 100, 1000, 12345])
def test_the_smallest_free_number_is_found_without_asking_for_all(taken: int) -> None:
    asked: list[int] = []

    def is_taken(number: int) -> bool:
        asked.append(number)
        return number < taken

    assert first_free(is_taken) == taken
    assert len(asked) < 45


def test_counted_names_are_read_back() -> None:
    assert counted(17) == "17.xml"
    assert count_of("17.xml") == 17
    assert count_of("0.xml") == 0
    for name in ("017.xml", "17.xm", "x17.xml", "17.1.xml", "-1.xml", "9" * 19 + ".xml", "１.xml"):
        assert count_of(name) is None


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("0001ABC", "0001ABC.xml"),
        ("a/b", "a%2Fb.xml"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.xml"),
        (".hidden", "%2Ehidden.xml"),
        ("a b\0", "a%20b%00.xml"),
        ("é", "%C3%A9.xml"),
        ("\udcff", "%3F.xml"),
        ("", "error.xml"),
    ],
)
def test_an_id_cannot_be_a_path(id: str, name: str) -> None:
    assert by_id(id, "error") == name


@given(st.text())
def test_whatever_an_id_is_a_file_can_be_called_by_it(id: str) -> None:
    name = by_id(id, "info")
    assert is_document(name)
    assert "/" not in name
    assert len(name) <= 200


def test_a_name_of_any_bytes_can_be_shown() -> None:
    assert printable(os.fsdecode(b"a\xff.xml")) == "a\\xff.xml"
