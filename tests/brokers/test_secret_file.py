"""A password in a file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.brokers.secret_file import read_secret


def test_a_secret_is_the_only_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes(b"geheim\r\n\n")
    assert read_secret(str(path)) == "geheim"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "must have one line"),
        (b"a\nb\n", "must have one line"),
        (b"\xff", "is no UTF-8"),
        (b"x" * 5000, "is longer than 4096 bytes"),
    ],
)
def test_a_file_that_holds_no_secret_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "password"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_secret(str(path))


def test_one_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_secret(str(tmp_path / "no"))
