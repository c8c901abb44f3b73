"""A file capture point is killed at random: no file is lost and none doubled."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.capture.folders import Folders, names
from tests.capture.killing import Killed

pytestmark = pytest.mark.processes

DOCUMENTS = 5000
BAD_ONE_IN = 100
A_LIFE = 900
"""Documents that come while it lives once."""


def test_nothing_is_lost_or_doubled_whenever_it_is_killed(
    real_reactor: Any, tmp_path: Path
) -> None:
    there = Folders(real_reactor, scan_interval=0.2)
    point = Killed(real_reactor, "file", there.settings, tmp_path / "node.db", seed=11)
    wanted = [f"d{number:04d}" for number in range(DOCUMENTS)]
    coming = iter(wanted)
    bad: list[str] = []
    given = 0

    def come(count: int) -> int:
        names_of_some = list(islice(coming, count))
        for name in names_of_some:
            there.give(name)
            if int(name[1:]) % BAD_ONE_IN == 0:
                bad.append(f"bad-{name}")
                there.give_bad(bad[-1])
        return len(names_of_some)

    while given < DOCUMENTS:
        # Some lie there when it begins, some come while it lives, and some are left when it dies.
        given += come(A_LIFE // 2)
        with point.alive():
            given += come(A_LIFE // 2)
            enough = point.random.randint(point.count() + 1, given)
            point.wait(lambda enough=enough: point.count() >= enough)  # type: ignore[misc]
        point.kills += 1
    point.live_until(lambda: not there.left())
    assert sorted(point.taken()) == wanted
    assert max(point.taken().values()) == 1
    assert point.kills >= 4
    # Each file is in one place, once, and whole.
    assert names(there.processed) == [f"{name}.xml" for name in wanted]
    for path in there.processed.iterdir():
        assert f'"{path.stem}"'.encode() in path.read_bytes()
    assert sorted(there.errors()) == sorted(bad)
    assert all("not well-formed" in why for why in there.errors().values())
    assert names(there.error) == sorted(
        f"{name}.xml{end}" for name in bad for end in ("", ".reason.txt")
    )
    there.close()
