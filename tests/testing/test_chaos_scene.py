"""What faults happen to."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from ixproxy.testing.chaos_deployment import NODES, PROXIES
from ixproxy.testing.chaos_scene import POSTGRESQL, SQLITE, Options, Scene


@pytest.mark.parametrize("store", [SQLITE, POSTGRESQL])
def test_servers_of_a_pair_share_a_host_only_where_they_share_a_file(
    tmp_path: Path, store: str
) -> None:
    scene = Scene(Clock(), tmp_path, Options(store=store))
    together = scene.host_of("ixn1") == scene.host_of("ixn1-b")
    assert together == (store == SQLITE)
    assert len({scene.host_of(name) for name in (*NODES, *PROXIES)}) == 5


def test_each_server_of_a_pair_is_the_partner_of_the_other(tmp_path: Path) -> None:
    scene = Scene(Clock(), tmp_path, Options())
    assert scene.partner_of("ixn1") == "ixn1-b"
    assert scene.partner_of("ixn1-b") == "ixn1"


def test_without_pairs_there_are_no_backups(tmp_path: Path) -> None:
    scene = Scene(Clock(), tmp_path, Options(lease_limit=None))
    assert not scene.pairs
    assert scene.missing == []
