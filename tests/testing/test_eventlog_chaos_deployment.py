"""The deployment of event-log chaos is one that the programs take."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.config import load
from ixproxy.testing.eventlog_chaos_deployment import (
    BACKUP,
    LEAST_BOUND,
    NODES,
    PROXY,
    SHAKEN,
    WITNESS,
    deployment,
)

ADDRESSES = {name: f"sqlite:{name}.db" for name in NODES}
WITNESSES = {name: f"sqlite:{name}-w.db" for name in NODES}


@pytest.mark.parametrize("mandatory", [False, True])
def test_each_node_is_a_pair_with_two_logs(tmp_path: Path, mandatory: bool) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(deployment(ADDRESSES, WITNESSES, "sqlite:both.db", mandatory=mandatory))
    found = load(file)
    assert [node.name for node in found.nodes()] == list(NODES)
    for node in found.nodes():
        assert (node.dbid, node.backup) == (NODES[node.name], node.name + BACKUP)
        witness, shaken = node.event_logs
        assert (witness.name, shaken.name) == (WITNESS, SHAKEN)
        assert Path(shaken.address).name == "both.db"
        assert (shaken.max_queue_size, shaken.mandatory_logging) == (LEAST_BOUND, mandatory)
        assert witness.max_queue_size > 10 * LEAST_BOUND
    assert [proxy.name for proxy in found.proxies()] == [PROXY]


def test_a_node_may_stand_alone(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    stores = {"ixn1": ADDRESSES["ixn1"]}
    file.write_text(deployment(stores, WITNESSES, "sqlite:both.db", proxy=False))
    found = load(file)
    assert [node.name for node in found.nodes()] == ["ixn1"]
    assert list(found.proxies()) == []
