"""Small file systems that can be filled up: for databases whose disk is full."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from ixproxy.testing.servers import ServerFailed

MEGABYTES = 64


class SmallDisk:
    """
    A tmpfs of its own.

    :param path: where it is mounted; a folder that is made.
    :raise ServerFailed: it cannot be mounted.
    """

    def __init__(self, path: Path, megabytes: int = MEGABYTES) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "ixchaos", str(path)],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            raise ServerFailed(f"{path}: {mounted.stderr.decode('utf-8', 'replace').strip()}")

    def fill(self) -> None:
        """Leave not one byte."""
        with suppress(OSError), (self.path / "filling").open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2

    def free(self) -> None:
        """Give it back; harmless when it was not filled."""
        (self.path / "filling").unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmount it, with all that is on it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=False)


def unusable() -> str:
    """Why there can be none here; empty: there can."""
    return "" if os.geteuid() == 0 else "mounting a small file system takes root"
