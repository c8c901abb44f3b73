"""Runs `ixctl` commands against servers in memory that do only what a test tells them to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ixproxy.cli import connecting, load_clients, status, status_asking
from ixproxy.cli.main import parser
from ixproxy.cli.output import Output
from ixproxy.cli.running import settle as settle_outcome
from ixproxy.client import Client, Pair, ProxyCluster, connect
from ixproxy.errors import Code, IxproxyError
from ixproxy.messages import (
    EventAck,
    EventError,
    RequestRegisterClient,
    RequestServerStatus,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork, settle
from tests.client.servers import Server

TIME_OF_DAY = 1_800_000_000.0
ENDPOINT = "tcp:s:1"
OTHER = "tcp:t:1"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command went."""

    code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.stdout.splitlines()]


class CommandWorld:
    """Servers `s:1` and `t:1`, and a command line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = SteppingClock(1000.0)
        self.network = MemoryNetwork(self.clock, Random(1))
        self.server, self.other = Server(), Server()
        self.server.facts = ServerFacts(name="proxy1", role="proxy", tenants=[1])
        # As servers of earlier versions do.
        self.reply(RequestServerStatus, EventError(error_code=Code.BAD_FRAME))
        self.network.listen("s:1", self.server)
        self.network.listen("t:1", self.other)
        for module in (connecting, load_clients, status_asking):
            monkeypatch.setattr(module, "connect", self._connect)
        monkeypatch.setattr(status, "time_of_day", lambda: TIME_OF_DAY)

    def _connect(self, reactor: Any, endpoints: Any, **arguments: Any) -> Deferred[Client]:
        def in_memory(endpoint: Any) -> Any:
            known = endpoint.startswith("tcp:")
            address = endpoint.removeprefix("tcp:")
            return self.network.client_endpoint(address, "c") if known else endpoint

        where: Any
        match endpoints:
            case str():
                where = in_memory(endpoints)
            case list():
                where = list(map(in_memory, endpoints))
            case ProxyCluster(members=members):
                where = replace(
                    endpoints,
                    members=tuple(
                        replace(each, endpoints=tuple(map(in_memory, each.endpoints)))
                        for each in members
                    ),
                )
            case Pair(primary=primary, backup=backup):
                backup = backup and in_memory(backup)
                where = replace(endpoints, primary=in_memory(primary), backup=backup)
        return connect(self.clock, where, random=Random(2), **arguments)

    def reply(self, request: type[Message], answer: Message | Callable[[Any], Message]) -> None:
        """Say what the server answers a request with."""
        self.server.replies[request] = answer if callable(answer) else lambda _: answer

    def start(self, *argv: str) -> tuple[Deferred[int], io.StringIO, io.StringIO]:
        """Begin a command, and let everything arrive."""
        module = argv[0].replace("-", "_")
        args = parser([module]).parse_args(argv)
        stdout, stderr = io.StringIO(), io.StringIO()
        output = Output(args.json, stdout, stderr)

        def ended(outcome: int | Failure) -> int:
            if isinstance(outcome, Failure):
                outcome.trap(IxproxyError)
                assert outcome.value is not None
                return settle_outcome(outcome.value, output)
            return outcome

        running = Deferred.fromCoroutine(args.command(self.clock, args, output)).addBoth(ended)
        self.rest()
        return running, stdout, stderr

    def run(self, *argv: str) -> Ran:
        """Run a command to its end."""
        running, stdout, stderr = self.start(*argv)
        self.clock.run_until(lambda: running.called, 120.0)
        self.rest()
        assert isinstance(running.result, int), running.result
        return Ran(running.result, stdout.getvalue(), stderr.getvalue())

    def ixctl(self, command: str, *argv: str) -> Ran:
        """Run a command that connects to the server."""
        return self.run(command, "--connect", ENDPOINT, *argv)

    def rest(self) -> None:
        """Let everything arrive."""
        assert settle(self.clock, self.network)

    @property
    def asked(self) -> list[Message]:
        """What the server was asked, registrations and goodbyes left out."""
        quiet = (RequestRegisterClient, RequestServerStatus)
        return [
            request
            for served in self.server.connections
            for _, request in served.asked
            if not isinstance(request, quiet)
            and type(request).__name__ != "RequestUnregisterClient"
        ]

    @property
    def goodbyes(self) -> int:
        """How many clients said goodbye."""
        return sum(
            type(request).__name__ == "RequestUnregisterClient"
            for served in self.server.connections
            for request in served.requests
        )


ACK = EventAck()
