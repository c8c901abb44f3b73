"""
External servers in memory: programs that nodes of a cluster connect to and call.

    service = MemoryService("classifier", "Classification Server", answer)
    cluster = Cluster(seed=7, services=[service])
    service.kill()
    service.start()

Each is the real thing (`ixproxy.client.third_party_server`) on a host of its own name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from ixproxy.client.third_party_server import (
    Call,
    Callback,
    CallLimits,
    Fault,
    Result,
    ThirdPartyServer,
    serve,
)
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.testing.clock import SteppingClock
from ixproxy.testing.network import MemoryNetwork
from ixproxy.testing.process import ProcessClock

TYPE = "Classification Server"


def service_address(name: str) -> str:
    """Where an external server listens."""
    return f"{name}:7301"


class MemoryService:
    """
    One external server: a program that starts, dies and starts again.

    :param answer: as `serve` takes it.
    :ivar calls: what it was asked since it was made.
    """

    def __init__(
        self, name: str, type: str, answer: Callback, limits: CallLimits | None = None
    ) -> None:
        self.name = name
        self.known = ExternalServer(name, type, (service_address(name),))
        self.calls: list[Call] = []
        self.server: ThirdPartyServer | None = None
        self._answer = answer
        self._limits = limits
        self._process: ProcessClock | None = None
        self._start: Callable[[], None] = _nowhere
        self._kill: Callable[[], None] = _nowhere

    @property
    def alive(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and self._process.alive

    def live_in(self, clock: SteppingClock, network: MemoryNetwork) -> None:
        """Where the program runs; it is started."""

        def start() -> None:
            self._process = process = ProcessClock(clock)
            where = network.server_endpoint(service_address(self.name))
            serving = serve(
                process, where, name=self.name, answer=self._called, limits=self._limits
            )
            serving.addCallback(self._serves)

        def kill() -> None:
            if self._process is not None:
                self._process.kill()
            network.vanish(self.name)

        self._start, self._kill = start, kill
        start()

    def _serves(self, server: ThirdPartyServer) -> None:
        self.server = server

    def _called(self, call: Call) -> Any:
        self.calls.append(call)
        return self._answer(call)

    def start(self) -> None:
        """Start the program; harmless while it runs."""
        if not self.alive:
            self._start()

    def kill(self) -> None:
        """The program dies."""
        self._kill()


def _nowhere() -> None:
    raise LookupError("the external server is in no cluster yet")


async def usual(call: Call) -> Result:
    """
    Does as the method says: `Echo`, `Fault`, or `Never`, which is no answer at all.

    What it says is the same whichever server of its kind is asked.
    """
    if call.method == "Fault":
        raise Fault("Asked", f"a fault was asked for with {sorted(call.parameters)}")
    if call.method == "Never":
        await Deferred()
    return Result(dict(call.parameters), dict(call.user_data))


def usual_services() -> tuple[MemoryService, ...]:
    """Two servers of one type, and one of another, all of which do as they are told."""
    return (
        MemoryService("classifier-1", TYPE, usual),
        MemoryService("classifier-2", TYPE, usual),
        MemoryService("archive", "Contact Server", usual),
    )
