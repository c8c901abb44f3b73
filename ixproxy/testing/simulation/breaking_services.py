"""Faults of external servers: they die, and are cut off from nodes, or lose connections."""

from __future__ import annotations

from ixproxy.testing.memory_services import MemoryService
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.breaking import break_one, mend_one
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws


def _one(run: Run, draws: Draws) -> MemoryService | None:
    return draws.of(run.calls.servers) if run.calls.servers else None


def kill_service(run: Run, draws: Draws) -> None:
    """An external server dies; it is started again when mended, or soon."""
    server = _one(run, draws)
    if server is None:
        return nobody(run)
    name = f"{server.name} is dead"
    break_one(run, name, server.kill, server.start)
    if draws.percent(50) and name in run.mends:
        mend_one(run, name)


def cut_service(run: Run, draws: Draws) -> None:
    """The network between an external server and a server of a node is cut."""
    server = _one(run, draws)
    if server is None:
        return nobody(run)
    one, other = server.name, draws.of(draws.of(run.cluster.nodes).members).name
    break_one(
        run,
        f"{one} is cut from {other}",
        lambda: run.cluster.cut(one, other),
        lambda: run.cluster.heal(one, other),
    )


def lose_service(run: Run, draws: Draws) -> None:
    """An external server loses its connections to all nodes."""
    server = _one(run, draws)
    if server is None:
        return nobody(run)
    run.tell("the connections of {} are lost", server.name)
    run.cluster.network.lose(server.name)


def stop_service_reading(run: Run, draws: Draws) -> None:
    """An external server reads nothing any more."""
    server = _one(run, draws)
    if server is None:
        return nobody(run)
    network, name = run.cluster.network, server.name
    break_one(
        run,
        f"{name} reads nothing",
        lambda: network.pause(name),
        lambda: network.resume(name),
    )
