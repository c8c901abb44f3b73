"""A disk that is full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ixproxy.testing.chaos_disks import SmallDisk, unusable
from ixproxy.testing.servers import ServerFailed


def test_a_small_disk_can_be_filled_and_freed(tmp_path: Path) -> None:
    if reason := unusable():
        assert "root" in reason
        return
    disk = SmallDisk(tmp_path / "disk", megabytes=2)
    try:
        (disk.path / "before").write_bytes(b"x" * 1000)
        disk.fill()
        with pytest.raises(OSError, match="No space left"):
            (disk.path / "more").write_bytes(b"x" * 10_000)
        assert (disk.path / "before").read_bytes() == b"x" * 1000
        disk.free()
        disk.free()
        (disk.path / "more").write_bytes(b"x" * 10_000)
    finally:
        disk.remove()
    assert not os.path.ismount(disk.path)


def test_what_cannot_be_mounted_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="disk"):
        SmallDisk(tmp_path / "disk", megabytes=-1)
