"""What a run of a merge says of how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.eventlog.logs import interaction, log_at
from tests.eventlog.merges import Merging


@pytest.fixture
def merging(tmp_path: Path) -> Merging:
    return Merging(f"sqlite:{tmp_path / 'merged.db'}")


@pytest.mark.parametrize("final", [False, True])
def test_a_run_says_which_share_of_the_time_is_merged(
    tmp_path: Path, merging: Merging, final: bool
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(100 + 10 * n, f"a{n}") for n in range(5)], until=201)
    two.write(2, [interaction(105 + 10 * n, f"b{n}") for n in range(5)], until=201)
    merging(one.address, two.address, final=final, part=4)
    (first, early), (second, later), last = merging.progress
    assert (first, second, last) == (4, 8, (10, 1.0))
    assert early == pytest.approx(0.15, abs=0.01)
    assert later == pytest.approx(0.35, abs=0.01)


def test_the_share_of_a_run_that_has_nothing_to_do_or_a_moment_only_is_whole(
    tmp_path: Path, merging: Merging
) -> None:
    log = log_at(tmp_path)
    log.write(1, [interaction(100, "a"), interaction(100, "b"), interaction(100, "c")])
    merging(log.address, final=True, part=2)
    merging(log.address, final=True)
    assert merging.progress == [(2, 1.0), (3, 1.0), (0, 1.0)]


def test_the_share_is_never_less_than_nothing_or_more_than_all(
    tmp_path: Path, merging: Merging
) -> None:
    one, two = log_at(tmp_path, "one"), log_at(tmp_path, "two")
    one.write(1, [interaction(100, "a"), interaction(200, "b")])
    merging(one.address, final=True)
    two.write(2, [interaction(5, "late"), interaction(90, "x"), interaction(9e5, "future")])
    merging(one.address, two.address, final=True, now=250.0, part=1)
    shares = [share for _, share in merging.progress]
    assert all(0 <= share <= 1 for share in shares)
    assert shares[-1] == 1
