"""What is found in a directory, and what is read of it."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from ixproxy.capture import file_looking
from ixproxy.capture.file_looking import (
    Content,
    Found,
    look,
    look_at,
    read_file,
    read_files,
    stamp_of,
)


def put(directory: Path, name: str, content: bytes = b"<a/>", mtime: int = 1000) -> Found:
    path = directory / name
    path.write_bytes(content)
    os.utime(path, (mtime, mtime))
    return Found(name, stamp_of(path.lstat()))


def read(directory: Path, found: Found, limit: int = 100) -> Content:
    return read_file(str(directory), found, limit)


def test_files_are_found_oldest_first_and_nothing_else_is(tmp_path: Path) -> None:
    wanted = [put(tmp_path, "b", mtime=1), put(tmp_path, "c", mtime=1), put(tmp_path, "a", mtime=2)]
    put(tmp_path, ".hidden")
    put(tmp_path, "x.tmp")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = look(str(tmp_path))
    assert found.files == wanted
    assert found.strangers == 1
    names = ["a", "b", "link", "directory", "x.tmp", "gone"]
    assert look_at(str(tmp_path), names).files == [wanted[0], wanted[2]]


def test_a_look_brings_no_more_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        put(tmp_path, f"{number}")
    monkeypatch.setattr(file_looking, "MOST_LISTED", 5)
    assert len(look(str(tmp_path)).files) == 5
    monkeypatch.setattr(file_looking, "MOST_ENTRIES", 3)
    assert len(look(str(tmp_path)).files) == 3


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        look(str(tmp_path / "no"))


def test_a_file_that_is_as_it_was_found_is_read(tmp_path: Path) -> None:
    found = put(tmp_path, "a.xml", b"<a/>")
    content = read(tmp_path, found)
    assert content == Content(found, b"<a/>")
    assert content.is_read
    assert content.receipt == f"a.xml 4 1000000000000 {sha256(b'<a/>').hexdigest()}"
    assert read(tmp_path, put(tmp_path, "a.xml", b"<b/>")).receipt != content.receipt


def test_one_that_has_changed_since_is_not(tmp_path: Path) -> None:
    found = put(tmp_path, "a.xml", b"<a/>")
    put(tmp_path, "a.xml", b"<a/><!-- more -->")
    assert read(tmp_path, found) == Content(found, busy=True)
    put(tmp_path, "a.xml", b"<b/>", mtime=2000)
    assert read(tmp_path, found).busy


def test_one_that_changes_while_it_is_read_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = put(tmp_path, "a.xml", b"<a/>")
    real = os.read

    def grown(file: int, size: int) -> bytes:
        with (tmp_path / "a.xml").open("ab") as writer:
            writer.write(b" ")
        return real(file, size)

    monkeypatch.setattr(os, "read", grown)
    assert read(tmp_path, found, 6).busy


def test_one_that_somebody_has_open_for_writing_is_not_read(tmp_path: Path) -> None:
    found = put(tmp_path, "a.xml")
    with (tmp_path / "a.xml").open("ab"):
        assert read(tmp_path, found).busy
    with (tmp_path / "a.xml").open("rb"):
        assert read(tmp_path, found).is_read
    assert read(tmp_path, found).is_read


def test_where_the_kernel_cannot_tell_size_and_time_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("fcntl.fcntl", unknown)
    found = put(tmp_path, "a.xml")
    with (tmp_path / "a.xml").open("ab"):
        assert read(tmp_path, found).is_read


def test_one_that_is_too_large_is_not_read_at_all(tmp_path: Path) -> None:
    found = put(tmp_path, "a.xml", b"x" * 101)
    assert read(tmp_path, found) == Content(found, too_large=True)
    assert read(tmp_path, put(tmp_path, "a.xml", b"x" * 100)).is_read


def test_one_that_is_gone_or_has_become_something_else_is_not_read(tmp_path: Path) -> None:
    found = put(tmp_path, "a.xml")
    (tmp_path / "a.xml").unlink()
    assert read(tmp_path, found).gone
    (tmp_path / "a.xml").symlink_to("/etc/passwd")
    assert read(tmp_path, found).gone
    (tmp_path / "a.xml").unlink()
    os.mkfifo(tmp_path / "a.xml")
    assert read(tmp_path, found).busy


def test_one_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    found = put(tmp_path, "a.xml")
    monkeypatch.setattr(os, "open", denied)
    assert read(tmp_path, found).problem == "a.xml: Permission denied"


def test_a_handful_is_bounded_in_files_and_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [put(tmp_path, f"{number:02d}", b"x" * 40) for number in range(50)]
    assert len(read_files(str(tmp_path), files, 100)) == 32
    monkeypatch.setattr(file_looking, "BATCH_BYTES", 100)
    assert len(read_files(str(tmp_path), files, 100)) == 3
