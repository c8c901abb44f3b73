"""The programs in `examples/` do what they say, on a cluster of real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ixproxy.client import connect
from ixproxy.messages import (
    EventInvite,
    RequestAccept,
    RequestAgentLogin,
    RequestAgentLogout,
    RequestReject,
    RequestSubmit,
)
from ixproxy.testing.processes import RealCluster
from tests import lost_proxy

ROOT = Path(__file__).parent.parent
SECONDS = 60


class Program(ProcessProtocol):
    """A program that prints lines; each can be waited for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.errors = b""
        self.ended: Deferred[None] = Deferred()
        self._rest = b""
        self._waiting: list[tuple[str, Deferred[str]]] = []

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._printed(line.decode())

    def errReceived(self, data: bytes) -> None:
        self.errors += data

    def processEnded(self, reason: Failure) -> None:
        self.ended.callback(None)

    def _printed(self, line: str) -> None:
        self.lines.append(line)
        for each in tuple(self._waiting):
            if line.startswith(each[0]):
                self._waiting.remove(each)
                each[1].callback(line)

    def printing(self, beginning: str) -> Deferred[str]:
        """Fires with the next line that begins so."""
        waiting: Deferred[str] = Deferred()
        self._waiting.append((beginning, waiting))
        return waiting


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_desktop_goes_on_at_another_proxy_with_what_it_holds(
    tmp_path: Path, real_reactor: Any
) -> None:
    text = lost_proxy.deployment().replace("random-delay-range = 2", "random-delay-range = 0")
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        mail = await connect(
            real_reactor, cluster.endpoint("proxy1"), name="mail", client_type="MediaServer"
        )
        request = RequestSubmit(tenant_id=1, media_type="email", queue="Q1")
        identifier = (await mail.request(request)).interaction_id
        await mail.close()
        program = Program()
        arguments = [str(ROOT / "examples" / "desktop.py"), str(cluster.file), "desk"]
        arguments += ["--agent", "lee", "--view", "Q1/All"]
        took = program.printing("took ")
        running = real_reactor.spawnProcess(
            program,
            sys.executable,
            [sys.executable, "-W", "error", *arguments],
            env=None,
        )
        try:
            assert await took.addTimeout(SECONDS, real_reactor) == f"took {identifier}"
            first = program.lines[0].removeprefix("connected to ")
            other = {"proxy1": "proxy2", "proxy2": "proxy1"}[first]
            assert program.lines[1] == "lee is logged in"
            lost, back = program.printing("connection lost"), program.printing("connected to ")
            await cluster.kill(first)
            await lost.addTimeout(SECONDS, real_reactor)
            assert await back.addTimeout(SECONDS, real_reactor) == f"connected to {other}"
        finally:
            running.signalProcess(signal.SIGINT)
            await program.ended.addTimeout(SECONDS, real_reactor)
        assert program.lines[3:] == [
            "connection lost",
            f"holds {identifier}",
            f"connected to {other}",
            f"holds {identifier}",
            "connection lost",
            f"holds {identifier}",
        ], program.errors.decode()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_router_delivers_until_the_agent_accepts(tmp_path: Path, real_reactor: Any) -> None:
    async with RealCluster(real_reactor, tmp_path, lost_proxy.deployment()) as cluster:
        invites: list[EventInvite] = []
        invited: list[Deferred[None]] = [Deferred(), Deferred()]

        def heard(event: object) -> None:
            if isinstance(event, EventInvite):
                invites.append(event)
                invited[len(invites) - 1].callback(None)

        desk = await connect(
            real_reactor,
            cluster.endpoint("proxy2"),
            name="desk",
            client_type="AgentApplication",
            on_event=heard,
        )
        await desk.request(RequestAgentLogin(tenant_id=1, agent_id="kim", media_list={"email": 1}))
        mail = await connect(
            real_reactor, cluster.endpoint("proxy1"), name="mail", client_type="MediaServer"
        )
        submit = RequestSubmit(tenant_id=1, media_type="email", queue="Q1")
        identifier = (await mail.request(submit)).interaction_id
        program = Program()
        arguments = [str(ROOT / "examples" / "router.py"), str(cluster.file), "desk"]
        arguments += ["--agent", "kim", "--view", "Q1/All"]
        refused, accepted = program.printing("kim refused"), program.printing("kim accepted")
        running = real_reactor.spawnProcess(
            program, sys.executable, [sys.executable, "-W", "error", *arguments], env=None
        )
        try:
            for waiting, answer in zip(invited, (RequestReject, RequestAccept), strict=True):
                await waiting.addTimeout(SECONDS, real_reactor)
                about: dict[str, Any] = {"tenant_id": 1, "interaction_id": identifier}
                await desk.request(answer(ticket_id=invites[-1].ticket_id, **about))
            await refused.addTimeout(SECONDS, real_reactor)
            await accepted.addTimeout(SECONDS, real_reactor)
            assert list(desk.holding) == [identifier]
        finally:
            running.signalProcess(signal.SIGINT)
            await program.ended.addTimeout(SECONDS, real_reactor)
            await mail.close()
            await desk.close()
        assert program.lines[1:] == [f"kim refused {identifier}", f"kim accepted {identifier}"], (
            program.errors.decode()
        )


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_reporting_program_prints_one_stream_of_all_nodes(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with RealCluster(real_reactor, tmp_path, lost_proxy.deployment()) as cluster:
        desk = await connect(
            real_reactor, cluster.endpoint("proxy1"), name="desk", client_type="AgentApplication"
        )
        kim: dict[str, Any] = {"tenant_id": 1, "agent_id": "kim"}
        await desk.request(RequestAgentLogin(**kim, media_list={"email": 1}))
        program = Program()
        nodes = [cluster.endpoint(f"ixn{number}") for number in (1, 2, 3)]
        began = program.printing("End")
        running = real_reactor.spawnProcess(
            program,
            sys.executable,
            [sys.executable, "-W", "error", str(ROOT / "examples" / "reporting.py"), *nodes],
            env=None,
        )
        try:
            await began.addTimeout(SECONDS, real_reactor)
            lee: dict[str, Any] = {"tenant_id": 1, "agent_id": "lee"}
            told = [program.printing("1 "), program.printing("2 "), program.printing("3 ")]
            await desk.request(RequestAgentLogin(**lee, media_list={}))
            await desk.request(RequestAgentLogout(**lee))
            await desk.request(RequestAgentLogout(**kim))
            await told[2].addTimeout(SECONDS, real_reactor)
        finally:
            running.signalProcess(signal.SIGINT)
            await program.ended.addTimeout(SECONDS, real_reactor)
            await desk.close()
        assert program.lines == [
            "Begin, 1 agents",
            "kim: {'email': 1}, has -",
            "End",
            "1 AgentLogin lee",
            "2 AgentLogout lee",
            "3 AgentLogout kim",
        ], program.errors.decode()
        assert not program.errors, program.errors.decode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("router.py", "no-such-file", "desks"), "no-such-file: cannot be read"),
        (("desktop.py", "{file}", "nobody"), "no application 'nobody' in the file"),
        (("pushed_router.py", "nonsense"), "Unknown endpoint type: 'nonsense'"),
        (("reporting.py", "nonsense"), "Unknown endpoint type: 'nonsense'"),
        (("reporting.py", "tcp:127.0.0.1:1"), "no server gives a reporting stream"),
    ],
)
def test_what_a_program_cannot_use_is_said_in_a_line(arguments: tuple[str, ...], said: str) -> None:
    name, *words = (each.format(file=ROOT / "examples" / "three-nodes.toml") for each in arguments)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / name), *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name}: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
