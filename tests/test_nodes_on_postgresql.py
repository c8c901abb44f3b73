"""Nodes as processes whose state is in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from ixproxy import messages as m
from ixproxy.client import connect
from ixproxy.testing.postgresql import PASSWORD, PASSWORD_ROLE, PostgresqlServer
from ixproxy.testing.processes import RealCluster
from tests.documents import documented_cluster

ROOT = Path(__file__).parent.parent
DOCUMENTED = documented_cluster(ROOT)


@pytest.fixture
def deployment(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The documented cluster, its stores on PostgreSQL, with a password in one address."""
    text = DOCUMENTED
    for name, role, password in (
        ("ixn1", "ixproxy", ""),
        ("ixn2", PASSWORD_ROLE, f":{PASSWORD.replace(' ', '%20')}"),
    ):
        address = postgresql_server.make_database(name, role)
        text = text.replace(f'"sqlite:{name}.db"', f'"{address.replace("@", f"{password}@")}"')
    yield text
    for name in ("ixn1", "ixn2"):
        postgresql_server.drop_database(name)


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_what_was_acknowledged_is_there_after_a_node_was_killed(
    tmp_path: Path, real_reactor: Any, deployment: str
) -> None:
    async with RealCluster(real_reactor, tmp_path, deployment) as cluster:
        client = await connect(
            real_reactor,
            cluster.endpoint("proxy1"),
            name="mail",
            client_type="MediaServer",
            tenants=[1],
        )
        request = m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1")
        ids = {(await client.request(request)).interaction_id for _ in range(20)}
        assert len({id[:6] for id in ids}) == 2, "both nodes have some"
        await cluster.kill("ixn2")
        await cluster.restart("ixn2")
        wanted = m.RequestFindInteractions(
            tenant_id=1, condition="priority IS NULL", number_of_interactions=100
        )
        found = await client.request(wanted)
        assert set(found.interactions) == ids
        told = _command_lines(cluster)
        await client.close()
    told += "".join(cluster.log(name).read_text() for name in ("ixn1", "ixn2", "proxy1"))
    assert PASSWORD not in told
    assert PASSWORD.replace(" ", "%20") not in told


def _command_lines(cluster: RealCluster) -> str:
    pids = [process.pid for process in cluster.servers.processes.values()]
    return "\n".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in pids)
