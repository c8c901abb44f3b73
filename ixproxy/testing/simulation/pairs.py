"""Faults of pairs: steps in which something happens to one server of a node, or to both."""

from __future__ import annotations

from collections.abc import Callable

from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.memory_servers import MemoryServer
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.breaking import break_one, mend_one
from ixproxy.testing.simulation.run import Do, Run
from ixproxy.testing.simulation.stepping import Draws

COMMITS = (None, True, False)
"""How a database gets out of reach: now, or at the next commit, which happens or does not."""

Of = Callable[[Run, Draws, MemoryNode, MemoryServer], None]


def of_primary(happens: Of) -> Do:
    """A step that happens to the primary of a node, if there is one."""

    def step(run: Run, draws: Draws) -> None:
        node = draws.of(run.cluster.nodes)
        primary = node.primary
        if primary is None:
            return nobody(run)
        happens(run, draws, node, primary)

    return step


def of_backup(happens: Of) -> Do:
    """A step that happens to the server of a node that stands by, if there is one."""

    def step(run: Run, draws: Draws) -> None:
        node = draws.of(run.cluster.nodes)
        backup = node.backup
        if backup is None or not backup.alive:
            return nobody(run)
        happens(run, draws, node, backup)

    return step


def kill(run: Run, draws: Draws, node: MemoryNode, server: MemoryServer) -> None:
    """It dies; it is started again when mended, or soon."""
    name = f"{server.name} alone is dead"
    break_one(run, name, server.kill, lambda: start(run, node, server), server.name)
    if draws.percent(30) and name in run.mends:
        mend_one(run, name)


def stop(run: Run, draws: Draws, node: MemoryNode, server: MemoryServer) -> None:
    """It is stopped in order; once it has ended it is started again when mended, or soon."""
    name = f"{server.name} is stopped in order"
    ended: list[object] = []

    def broken() -> None:
        server.stop().addCallback(ended.append)

    def started() -> None:
        if not ended:
            server.kill()
        start(run, node, server)

    break_one(run, name, broken, started, server.name)
    if draws.percent(30) and name in run.mends:
        run.cluster.run(0.1)
        mend_one(run, name)


def freeze(run: Run, draws: Draws, node: MemoryNode, server: MemoryServer) -> None:
    """It is stopped where it is, or inside of its next transaction; its host goes on."""
    inside = draws.percent(50)
    break_one(
        run,
        f"{server.name} stands still{' in a transaction' if inside else ''}",
        lambda: server.pause(in_transaction=inside),
        lambda: wake(run, node, server),
        server.name,
    )


def lose_store(run: Run, draws: Draws, node: MemoryNode, server: MemoryServer) -> None:
    """It does not reach the database."""
    at_commit = draws.of(COMMITS)
    name = f"{server.name} does not reach its database"
    if at_commit is not None:
        name += f" from a commit on that {'happens' if at_commit else 'does not happen'}"
    break_one(run, name, lambda: server.lose_store(at_commit), server.find_store, server.name)


def lose_both_stores(run: Run, draws: Draws) -> None:
    """Both servers of a node do not reach the database."""
    node = draws.of(run.cluster.nodes)
    how = [draws.of(COMMITS) for _ in node.members]

    def broken() -> None:
        for server, at_commit in zip(node.members, how, strict=True):
            server.lose_store(at_commit)

    def found() -> None:
        for server in node.members:
            server.find_store()

    names = [server.name for server in node.members]
    break_one(run, f"nobody reaches the database of {node.name}", broken, found, *names)


def wake(run: Run, node: MemoryNode, server: MemoryServer) -> None:
    """It goes on where it was, or is started, for it may have been ended meanwhile."""
    server.resume()
    start(run, node, server)


def start(run: Run, node: MemoryNode, server: MemoryServer) -> None:
    """It is started; where both are dead they are so until both are started."""
    if node.name not in run.down:
        server.start()
