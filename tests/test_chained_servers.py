"""A proxy behind a cluster of proxies, with real processes; the one that is in use is killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Client, connect
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.processes import START_SECONDS, RealCluster, wait_for_server

NODE = """
[applications.ixn{0}]
type = "Interaction Server"
dbid = 10{0}
tenants = ["Environment"]
listen = "tcp:710{0}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:710{0}"
store = "sqlite:ixn{0}.db"
"""
PROXY = """
[applications.{0}]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:{1}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{1}"
connections = ["{2}"]
"""
CLUSTER = """
[applications.{0}]
type = "Application Cluster"
connections = {1}
[applications.{0}.options.cluster-settings]
cluster-type = "{2}"
"""
DEPLOYMENT = (
    """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Q1.views.All]
"""
    + NODE.format(1)
    + NODE.format(2)
    + CLUSTER.format("nodes", '["ixn1", "ixn2"]', "Interaction Server")
    + PROXY.format("proxy1", 7001, "nodes")
    + PROXY.format("proxy2", 7002, "nodes")
    + CLUSTER.format("proxies", '["proxy1", "proxy2"]', "Interaction Server Proxy")
    + PROXY.format("edge1", 7003, "proxies")
    + """
backup = "edge1-b"
[applications.edge1-b]
listen = "tcp:7004:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7004"
"""
)
SUBMIT = m.RequestSubmit(tenant_id=1, media_type="email", queue="Q1")
PULL = m.RequestPull(tenant_id=1, view_id="Q1/All")


def stop(identifier: str) -> m.RequestStopProcessing:
    return m.RequestStopProcessing(tenant_id=1, interaction_id=identifier)


async def patiently(reactor: Any, client: Client, request: Any) -> Any:
    """The answer, once the proxy has found another way to the nodes."""
    while True:
        try:
            return await client.request(request)
        except RequestRefused as refusal:
            if refusal.code not in (Code.NOT_ACCESSIBLE, Code.NO_SERVERS, Code.LOST_CONNECTION):
                raise
        await deferLater(reactor, 0.05)


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_work_goes_on_through_the_other_proxy_when_the_one_in_use_is_killed(
    tmp_path: Path, real_reactor: Any
) -> None:
    cluster = RealCluster(real_reactor, tmp_path, DEPLOYMENT)
    inner = (*cluster.nodes, "proxy1", "proxy2")
    try:
        for name in inner:
            cluster.begin(name)
        for name in inner:
            endpoint = cluster.endpoint(name)
            await wait_for_server(real_reactor, endpoint, START_SECONDS, cluster.servers.check)
        cluster.begin("edge1")
        await cluster.ready()
        media = await connect(
            real_reactor, cluster.endpoint("edge1"), name="mail-1", client_type="MediaServer"
        )
        router = await connect(
            real_reactor, cluster.endpoint("edge1"), name="router-1", client_type="RoutingEngine"
        )
        ids = [(await media.request(SUBMIT)).interaction_id for _ in range(4)]
        assert len({each[:6] for each in ids}) == 2, "both nodes serve"
        taken = list((await router.request(PULL)).interactions)
        assert len(router.holding) == 1

        edge, used = media.server.path
        assert edge == "edge1"
        await cluster.kill(used)
        ids.append((await patiently(real_reactor, media, SUBMIT)).interaction_id)
        assert list(router.holding) == taken, "what it held it holds still"
        await patiently(real_reactor, router, stop(taken[0]))
        while pulled := (await router.request(PULL)).interactions:
            for identifier in pulled:
                taken.append(identifier)
                await router.request(stop(identifier))
        assert set(ids) <= set(taken)
        assert (media.incarnation, router.incarnation) == (1, 1), "clients noticed nothing"
        await media.close()
        await router.close()

        cluster.servers.start("ixproxy", "edge1-b", cluster.log("edge1-b"))
        backup = cluster.endpoint("edge1-b")
        await wait_for_server(real_reactor, backup, START_SECONDS, lambda: None)
        media = await connect(real_reactor, backup, name="mail-1", client_type="MediaServer")
        assert media.server.path[0] == "edge1-b"
        await media.request(SUBMIT)
        await media.close()
        assert await cluster.stop() == []
    finally:
        await cluster.stop()
    log = cluster.log(cluster.nodes[0]).read_text()
    assert "Client mail-1 through edge1, " + used in log
    for name in (*cluster.nodes, *cluster.proxies, "edge1-b"):
        assert "Traceback" not in cluster.log(name).read_text(), name
