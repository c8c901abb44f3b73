"""Files come to their places whole, and over no other."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path

import pytest

from ixproxy.capture import file_placing
from ixproxy.capture.file_looking import Found, stamp_of
from ixproxy.capture.file_names import ERROR, REASON, is_document
from ixproxy.capture.file_placing import (
    Changed,
    Places,
    is_gone,
    last_count,
    put,
    sync_directory,
    unusable,
)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    return tmp_path


PLACES = Places("ixn1-mail/in")


def give(here: Path, name: str = "a.xml", content: bytes = b"<a/>") -> Found:
    path = here / "in" / name
    path.write_bytes(content)
    return Found(name, stamp_of(path.lstat()))


def move(here: Path, found: Found, reason: str = "") -> str:
    beside = {REASON: f"{reason}\n".encode()} if reason else {}
    return PLACES.move(str(here / "in"), found, str(here / "out"), beside)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)


def test_a_file_is_moved_over_no_other(here: Path) -> None:
    (here / "out" / "a.xml").write_bytes(b"first")
    assert move(here, give(here)) == "a.1.xml"
    assert move(here, give(here, content=b"<b/>")) == "a.2.xml"
    assert [(here / "out" / name).read_bytes() for name in names(here / "out")] == [
        b"<a/>", b"<b/>", b"first",
    ]  # fmt: skip
    assert names(here / "in") == []


@pytest.mark.parametrize("number", sorted(file_placing.NO_LINKS))
def test_where_there_are_no_links_it_is_renamed(
    here: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_links(monkeypatch, number)
    (here / "out" / "a.xml").write_bytes(b"first")
    assert move(here, give(here)) == "a.1.xml"
    assert names(here / "in") == []
    with pytest.raises(FileExistsError):
        put(str(here / "out" / "a.xml"), str(here / "out" / "a.1.xml"))


def test_what_cannot_be_moved_stays_where_it_is(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        move(here, give(here))
    assert names(here / "in") == ["a.xml"]
    assert names(here / "out") == []


def test_a_move_to_another_file_system_is_a_copy(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def across(source: str, target: str, **more: bool) -> None:
        if "/in/" in source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target, **more)

    monkeypatch.setattr(os, "link", across)
    found = give(here)
    (here / "out" / "a.xml").write_bytes(b"first")
    assert move(here, found, "it is bad") == "a.1.xml"
    assert names(here / "out") == ["a.1.xml", "a.1.xml.reason.txt", "a.xml"]
    assert (here / "out" / "a.1.xml").stat().st_mtime_ns == found.stamp.mtime_ns
    assert names(here / "in") == []


def test_a_copy_that_fails_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    refuse_links(monkeypatch, errno.EXDEV)
    monkeypatch.setattr(file_placing, "copystat", full)
    with pytest.raises(OSError, match="No space"):
        move(here, give(here))
    assert names(here / "in") == ["a.xml"]
    assert names(here / "out") == []


def test_a_reason_is_written_beside_it_and_both_have_one_name(here: Path) -> None:
    (here / "out" / "a.xml.reason.txt").write_text("of another")
    assert move(here, give(here), "it is bad") == "a.1.xml"
    assert (here / "out" / "a.1.xml.reason.txt").read_text() == "it is bad\n"


def test_a_move_that_the_process_did_not_survive_is_finished(here: Path) -> None:
    found = give(here)
    os.link(here / "in" / "a.xml", here / "out" / "a.xml")
    (here / "out" / "a.xml.reason.txt").write_text("it is bad\n")
    found = Found("a.xml", stamp_of((here / "in" / "a.xml").lstat()))
    assert move(here, found, "it is bad") == "a.xml"
    assert names(here / "out") == ["a.xml", "a.xml.reason.txt"]
    assert names(here / "in") == []


def test_a_reason_whose_file_never_came_is_used(here: Path) -> None:
    (here / "out" / "a.xml.reason.txt").write_text("it is bad\n")
    assert move(here, give(here), "it is bad") == "a.xml"
    assert names(here / "out") == ["a.xml", "a.xml.reason.txt"]


def test_several_files_beside_it_have_its_name_too_or_it_gets_another(here: Path) -> None:
    beside = {REASON: b"it is bad\n", ERROR: b"<bad/>"}
    (here / "out" / "a.xml.reason.txt").write_bytes(b"it is bad\n")
    (here / "out" / "a.xml.error.xml").write_bytes(b"<of another/>")
    assert PLACES.move(str(here / "in"), give(here), str(here / "out"), beside) == "a.1.xml"
    assert names(here / "out") == [
        "a.1.xml", "a.1.xml.error.xml", "a.1.xml.reason.txt", "a.xml.error.xml", "a.xml.reason.txt"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["fifo", "link", "longer"])
def test_whatever_else_has_the_name_of_a_reason_stays(here: Path, kind: str) -> None:
    beside = here / "out" / "a.xml.reason.txt"
    if kind == "fifo":
        os.mkfifo(beside)
    elif kind == "link":
        (here / "elsewhere").write_text("it is bad\n")
        beside.symlink_to(here / "elsewhere")
    else:
        beside.write_text("it is bad\nand more\n")
    assert move(here, give(here), "it is bad") == "a.1.xml"
    assert (here / "out" / "a.1.xml.reason.txt").read_text() == "it is bad\n"


def test_another_file_in_its_place_stays_there(here: Path) -> None:
    found = give(here)
    give(here, content=b"<another/>")
    with pytest.raises(Changed):
        move(here, found)
    with pytest.raises(Changed):
        PLACES.remove(str(here / "in"), found)
    assert (here / "in" / "a.xml").read_bytes() == b"<another/>"


def test_a_file_is_removed(here: Path) -> None:
    PLACES.remove(str(here / "in"), give(here))
    assert names(here / "in") == []
    with pytest.raises(FileNotFoundError):
        PLACES.remove(str(here / "in"), Found("a.xml", give(here, "b.xml").stamp))


def test_what_is_written_gets_its_name_when_it_is_whole(here: Path) -> None:
    out = here / "out"
    assert PLACES.write(str(out), "1.xml", b"first") == "1.xml"
    assert PLACES.write(str(out), "1.xml", b"second") == "1.1.xml"
    assert names(out) == ["1.1.xml", "1.xml"]
    sync_directory(str(out))


def test_writers_of_one_directory_have_hidden_files_of_their_own(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = here / "out"
    real, written = os.fsync, iter([(PLACES, "2.xml"), (Places("ixn1-mail/in"), "3.xml")])

    def meanwhile(file: int) -> None:
        # The first is half done: another thread writes there, and then another process.
        for places, name in written:
            places.write(str(out), name, name.encode())
            assert [each for each in names(out) if each.startswith(".ixproxy-ixn1-mail-in-")]
        real(file)

    monkeypatch.setattr(os, "fsync", meanwhile)
    assert PLACES.write(str(out), "1.xml", b"1.xml") == "1.xml"
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        name: name for name in ("1.xml", "2.xml", "3.xml")
    }


def test_hidden_files_are_no_documents_and_never_have_one_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = os.link

    def link(source: str, target: str, **more: bool) -> None:
        seen.append(os.path.basename(source))
        real(source, target, **more)

    monkeypatch.setattr(os, "link", link)
    for owner in ("ixn1-mail", "ixn1-mail", "ä" * 200):
        places = Places(owner)
        for _ in range(3):
            places.write(str(here / "out"), "1.xml", b"")
    assert len(set(seen)) == 9
    assert not [name for name in seen if is_document(name) or len(os.fsencode(name)) > 255]


def test_hidden_files_of_the_dead_are_removed_and_others_when_they_are_old(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = here / "out"
    (out / "a.xml").write_bytes(b"whole")
    host, me, parent = file_placing._host(), os.getpid(), os.getppid()
    gone = subprocess.Popen(["true"])
    gone.wait()
    stem = ".ixproxy-ixn1-mail-in"
    dead = [f"{stem}-{host}-{gone.pid}-0123abcd-5.tmp", f"{stem}-{host}-{me}-0123abcd-5.tmp"]
    alive = [
        f"{stem}-{host}-{parent}-0123abcd-5.tmp",
        f"{stem}-{host}-{me}-{file_placing._TOKEN}-0.tmp",
        f"{stem}-00000000-{gone.pid}-0123abcd-5.tmp",
    ]
    others = [f".ixproxy-ixn1-mail-{host}-{gone.pid}-0123abcd-5.tmp", f"{stem}.xml"]
    for name in (*dead, *alive):
        # Each has got its name already: only the hidden one goes.
        os.link(out / "a.xml", out / name)
    for name in others:
        (out / name).touch()
    Places("ixn1-mail/in").write(str(out), "1.xml", b"first")
    assert names(out) == sorted([*alive, *others, "1.xml", "a.xml"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + file_placing.LEFT_SECONDS + 60)
    Places("ixn1-mail/in").write(str(out), "2.xml", b"second")
    assert names(out) == sorted([*others, "1.xml", "2.xml", "a.xml"])
    assert (out / "a.xml").read_bytes() == b"whole"


def test_a_disk_that_is_full_gets_no_half_of_a_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        PLACES.write(str(here / "out"), "1.xml", b"first")
    with pytest.raises(OSError, match="No space"):
        sync_directory(str(here / "out"))
    assert names(here / "out") == []


def test_a_file_system_that_knows_no_durable_names_is_no_error(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unknown)
    sync_directory(str(here / "out"))


def test_directories_that_cannot_be_used_are_named(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [("inbound-path", str(here / "in")), ("error-path", str(here / "out"))]
    assert unusable(there) == ""
    assert unusable([*there, ("processed-path", "/no/such")]) == (
        "processed-path: there is no directory /no/such"
    )
    monkeypatch.setattr(os, "access", lambda path, _: "out" not in path)
    assert unusable(there) == f"error-path: {here}/out cannot be written to"


def test_the_highest_count_is_found(here: Path) -> None:
    assert last_count(str(here / "out")) == 0
    for name in ("7.xml", "12.xml", "x99.xml", "13.1.xml"):
        (here / "out" / name).touch()
    assert last_count(str(here / "out")) == 12


def test_a_file_is_gone_only_from_a_directory_that_is_there(here: Path) -> None:
    give(here)
    assert not is_gone(str(here / "in"), "a.xml")
    assert is_gone(str(here / "in"), "b.xml")
    assert not is_gone(str(here / "no"), "a.xml")
