"""The file of a chaos run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.config import load
from ixproxy.testing.chaos_deployment import NODES, PROXIES, deployment, node_of, servers


@pytest.mark.parametrize("limit", [None, 3])
def test_the_file_has_no_mistakes(tmp_path: Path, limit: int | None) -> None:
    stores = {node: f"sqlite:{node}.db" for node in NODES}
    file = tmp_path / "cluster.toml"
    file.write_text(deployment(stores, lambda name: "127.0.0.1", limit))
    read = load(file)
    assert {proxy.name for proxy in read.proxies()} == set(PROXIES)
    for name in servers(limit is not None):
        assert read.node(name).store.endswith(f"/{node_of(name)}.db")
        assert read.node(name).primary == ("" if name in NODES else node_of(name))


def test_a_server_is_of_the_node_that_its_primary_is_called() -> None:
    assert servers(False) == NODES
    assert [node_of(name) for name in servers(True)] == [*NODES, *NODES]
