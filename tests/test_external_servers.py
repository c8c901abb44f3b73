"""External servers on real sockets: the example's process, and one behind TLS."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import TlsFiles, connect
from ixproxy.client.third_party_server import Call, Result, serve
from ixproxy.config import ServerApplication, load
from ixproxy.errors import Code, RequestRefused
from ixproxy.net.door import Door, Rule, attributes_of
from ixproxy.testing.certificates import Authority
from ixproxy.testing.processes import RealCluster
from ixproxy.values import ClientType
from ixproxy.wire.permits import Grant
from tests.test_examples import SECONDS, Program

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.processes

CLUSTER = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Inbound.views.All]
[tenants.Environment.queues.Outbound.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"
connections = ["responder"]

[applications.nodes]
type = "Application Cluster"
connections = ["ixn1"]
[applications.nodes.options.cluster-settings]
cluster-type = "Interaction Server"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7001"
connections = ["nodes"]

[applications.clients]
type = "Application Cluster"
connections = ["proxy1"]
[applications.clients.options.cluster-settings]
cluster-type = "Interaction Server Proxy"

[applications.responder]
type = "Third Party Server"
tenants = ["Environment"]
endpoint = "tcp:127.0.0.1:7301"
connections = ["clients"]
"""
NOT_YET = (Code.SERVICE_NOT_CONNECTED, Code.SERVICE_UNKNOWN)


def call(**more: Any) -> m.Request3rdServer:
    envelope = {"AppName": "responder", "Service": "AutoResponder", "Method": "Acknowledge"}
    return m.Request3rdServer(tenant_id=1, envelope3rd_server=envelope, **more)


async def answered(reactor: Any, client: Any, request: m.Request3rdServer) -> Any:
    """The answer to a call, as soon as the node is connected to the server."""
    until = reactor.seconds() + SECONDS
    while True:
        try:
            return await client.request(request)
        except RequestRefused as refusal:
            if refusal.code not in NOT_YET or reactor.seconds() > until:
                raise
        await deferLater(reactor, 0.1)


@pytest_twisted.ensureDeferred
async def test_an_e_mail_is_acknowledged_by_a_program_that_the_node_calls(
    tmp_path: Path, real_reactor: Any
) -> None:
    text = CLUSTER.replace('connections = ["responder"]\n', "")
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        program = Program()
        arguments = [str(ROOT / "examples" / "auto_responder.py"), str(cluster.file), "responder"]
        listens = program.printing("responder listens")
        running = real_reactor.spawnProcess(
            program, sys.executable, [sys.executable, "-W", "error", *arguments], env=None
        )
        try:
            await listens.addTimeout(SECONDS, real_reactor)
            where = cluster.endpoint("proxy1")
            mail = await connect(real_reactor, where, name="mail", client_type="MediaServer")
            router = await connect(real_reactor, where, name="ors", client_type="RoutingEngine")
            with pytest.raises(RequestRefused) as unknown:
                await router.request(call())
            assert unknown.value.code == Code.SERVICE_UNKNOWN
            # The node follows the file: it connects while it runs.
            await cluster.change(CLUSTER)
            submit = m.RequestSubmit(
                tenant_id=1,
                media_type="email",
                queue="Inbound",
                user_data={"Subject": "Where is it?", "ExternalId": "mail-77"},
            )
            identifier = (await mail.request(submit)).interaction_id
            about = call(interaction_id=identifier, user_data=submit.user_data)
            answer = await answered(real_reactor, router, about)
            assert isinstance(answer, m.Event3rdServerResponse), answer
            new = answer.envelope3rd_server["Parameters"]["NewInteractionId"]
            shown = await router.request(
                m.RequestGetInteractionProperties(tenant_id=1, interaction_id=new)
            )
            properties = shown.interaction
            assert properties["ParentId"] == identifier
            assert properties["Queue"] == "Outbound"
            assert properties["UserData"]["Subject"] == "Re: Where is it?"
            assert properties["ExternalId"] == "mail-77"
            nothing = await router.request(call())
            assert isinstance(nothing, m.Event3rdServerFault)
            assert nothing.fault_code == "MissingInteractionId"
            await router.close()
            await mail.close()
        finally:
            running.signalProcess(signal.SIGINT)
            await program.ended.addTimeout(SECONDS, real_reactor)
        assert b"Traceback" not in program.errors, program.errors.decode()


@pytest_twisted.ensureDeferred
async def test_a_server_with_tls_sees_who_calls_and_is_seen_to_be_it(
    tmp_path: Path, real_reactor: Any
) -> None:
    authority = Authority("Trial authority")
    authority.write(tmp_path / "ca.pem")
    for name, hosts in (("ixn1", ("127.0.0.1",)), ("responder", ("127.0.0.1",)), ("ors", ())):
        authority.issue(name, hosts).write(tmp_path, name)

    def table(name: str) -> str:
        return (
            f"[applications.{name}.tls]\n"
            f'certificate = "{name}.pem"\nprivate-key = "{name}.key"\ntrust = "ca.pem"\n'
        )

    def files(name: str, *, demands: bool = False) -> TlsFiles:
        certificate, key = str(tmp_path / f"{name}.pem"), str(tmp_path / f"{name}.key")
        return TlsFiles(certificate, key, str(tmp_path / "ca.pem"), demands)

    alone = CLUSTER[: CLUSTER.index("[applications.nodes]")]
    server_text = CLUSTER[CLUSTER.index("[applications.responder]") :]
    server_text = server_text.replace('connections = ["clients"]\n', "")
    text = f"{alone}{table('ixn1')}{server_text}{table('responder')}"
    cluster = RealCluster(real_reactor, tmp_path, text, tls=files("ors"))
    known = load(cluster.file).applications["responder"]
    assert isinstance(known, ServerApplication)
    callers: list[str] = []

    def answer(made: Call) -> Result:
        callers.append(made.caller)
        return Result({"fine": 1})

    rule = Rule(Grant(frozenset({ClientType.INTERACTION_SERVER})), attributes_of("CN=ixn1"))
    port = known.endpoint.rpartition(":")[2]
    server = await serve(
        real_reactor,
        f"tcp:{port}:interface=127.0.0.1",
        name="responder",
        answer=answer,
        tls=files("responder", demands=True),
        door=Door([rule], secured=True),
    )
    try:
        async with cluster:
            where = cluster.endpoint("ixn1")
            tls = files("ors")
            router = await connect(
                real_reactor, where, name="ors", client_type="RoutingEngine", tls=tls
            )
            made = await answered(real_reactor, router, call())
            assert made.envelope3rd_server["Parameters"] == {"fine": 1}
            assert callers == ["ixn1"]
            await router.close()
            with pytest.raises(RequestRefused) as refused:
                await connect(
                    real_reactor, known.endpoint, name="ors", client_type="RoutingEngine", tls=tls
                )
            assert refused.value.code == Code.NOT_ALLOWED
    finally:
        await server.stop()
