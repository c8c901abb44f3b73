"""
Faults: steps in which something breaks, or is mended.

What is broken stands in `Run.mends` under its name, with what mends it, so
nothing breaks twice and everything can be healed when the steps are done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ixproxy.testing.faults import Fault
from ixproxy.testing.live_changes import change_settings
from ixproxy.testing.members import MemoryProxy
from ixproxy.testing.memory_nodes import MemoryNode
from ixproxy.testing.simulation.asking import nobody
from ixproxy.testing.simulation.players import SORTS, Player
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import World

COMMITS = (
    Fault.REFUSED,
    Fault.DISK_FULL,
    Fault.DONE_BUT_RAISED,
    Fault.UNDONE_AND_RAISED,
)

HINDERED = ("still", "dead", "stopped", "database")
"""Words for a server that does not hear its operator."""


def break_one(
    run: Run,
    name: str,
    broken: Callable[[], None],
    mend: Callable[[], None],
    *whose: str,
) -> None:
    """
    Break something, if it is not broken yet.

    :param whose: the servers and proxies that it disturbs, now and when it is mended.
    """
    if name in run.mends:
        run.tell("{} already", name)
        return

    def mended() -> None:
        run.service.disturb(*whose)
        mend()

    run.tell("{}", name)
    run.mends[name] = mended
    run.service.disturb(*whose)
    broken()


def dead(node: MemoryNode) -> str:
    """What is broken when a node is dead with all its servers."""
    return f"{node.name} is dead" if len(node.members) == 1 else f"both of {node.name} are dead"


def mend(run: Run, draws: Draws) -> None:
    """Something is mended."""
    if not run.mends:
        return nobody(run)
    mend_one(run, draws.of(list(run.mends)))


def mend_one(run: Run, name: str) -> None:
    """What has this name is mended."""
    run.tell("no longer: {}", name)
    run.mends.pop(name)()


def kill_node(run: Run, draws: Draws) -> None:
    """A node dies, with both servers of a pair; it is started again when mended, or soon."""
    node = draws.of(run.cluster.nodes)
    keep_dead(run, node)
    if draws.percent(50) and dead(node) in run.mends:
        mend_one(run, dead(node))


def keep_dead(run: Run, node: MemoryNode) -> None:
    """A node dies, and is started again when mended."""
    since = run.now()

    def broken() -> None:
        for server in node.members:
            server.kill()
        run.down[node.name] = since

    def started() -> None:
        run.down.pop(node.name, None)
        node.start()

    break_one(run, dead(node), broken, started, *_servers(node))


def _servers(node: MemoryNode) -> list[str]:
    return [server.name for server in node.members]


def pause_node(run: Run, draws: Draws) -> None:
    """A node's primary stands still with its host: nothing of it runs, nothing arrives."""
    node = draws.of(run.cluster.nodes)
    server, process, network = node.latest, node.process, run.cluster.network

    def broken() -> None:
        process.pause()
        network.pause(server.name)

    def resumed() -> None:
        process.resume()
        network.resume(server.name)
        if node.name not in run.down:
            # It may have been ended for its silence.
            server.start()

    break_one(run, f"the host of {server.name} stands still", broken, resumed, server.name)


def kill_proxy(run: Run, draws: Draws) -> None:
    """A proxy dies; it is started again when mended, or soon."""
    proxy = draws.of([*run.cluster.proxies, *run.cluster.outers])
    break_one(run, f"{proxy.name} is dead", proxy.kill, proxy.start)
    if draws.percent(50) and f"{proxy.name} is dead" in run.mends:
        mend_one(run, f"{proxy.name} is dead")


def cut_node(run: Run, draws: Draws) -> None:
    """The network between a proxy and a node is cut."""
    proxy, node = draws.of(run.cluster.proxies), draws.of(run.cluster.nodes)
    _cut(run, proxy.name, [draws.of(_servers(node))])


def cut_proxies(run: Run, draws: Draws) -> None:
    """The network between two proxies is cut, where one stands in front of the other."""
    if not run.cluster.outers:
        return nobody(run)
    _cut(run, draws.of(run.cluster.outers).name, [draws.of(run.cluster.proxies).name])


def cut_client(run: Run, draws: Draws) -> None:
    """The network between a client and one of its proxies, or all of them, is cut."""
    player = _victim(run, draws)
    if player is None:
        return nobody(run)
    fronts: Sequence[MemoryProxy] = run.cluster.fronts
    some = fronts if draws.percent(50) else [draws.of(fronts)]
    _cut(run, player.host, [front.name for front in some], player.name)


def _cut(run: Run, one: str, others: Sequence[str], name: str = "") -> None:
    def cut() -> None:
        for other in others:
            run.cluster.cut(one, other)

    def healed() -> None:
        for other in others:
            run.cluster.heal(one, other)

    break_one(run, f"{name or one} is cut from {', '.join(others)}", cut, healed)


def lose_link(run: Run, draws: Draws) -> None:
    """The connection between two programs is lost."""
    proxy = draws.of(run.cluster.proxies)
    others = [name for node in run.cluster.nodes for name in _servers(node)]
    other = draws.of([*others, *(outer.name for outer in run.cluster.outers)])
    run.tell("the connection of {} and {} is lost", proxy.name, other)
    run.service.disturb(proxy.name)
    run.cluster.network.lose(proxy.name, other)


def _victim(run: Run, draws: Draws) -> Player | None:
    players = run.there(*SORTS)
    return draws.of(players) if players else None


def lose_client(run: Run, draws: Draws) -> None:
    """The connection of a client is lost."""
    player = _victim(run, draws)
    if player is None:
        return nobody(run)
    run.tell("the connection of {} is lost", player.name)
    run.cluster.network.lose(player.host)


def kill_client(run: Run, draws: Draws) -> None:
    """A client dies."""
    player = _victim(run, draws)
    if player is None:
        return nobody(run)
    run.tell("{} dies", player.name)
    player.leaves(run.now())
    run.cluster.kill_client(player.here)


def close_client(run: Run, draws: Draws) -> None:
    """A client says goodbye."""
    player = _victim(run, draws)
    if player is None:
        return nobody(run)
    run.tell("{} says goodbye", player.name)
    player.leaves(run.now())
    player.here.close(goodbye=draws.percent(80))


def come(run: Run, draws: Draws) -> None:
    """A client comes, if there are not too many."""
    sort = draws.of(("mail", "router", "desk", "desk", "stat"))
    if sum(not player.left for player in run.players if player.sort == sort) > 4:
        return nobody(run)
    run.tell("one more comes: {}", sort)
    run.come(sort, draws.below(len(run.cluster.fronts)))


def fail_commit(run: Run, draws: Draws) -> None:
    """The next commit of a node fails."""
    node = draws.of(run.cluster.nodes)
    fault = draws.of(COMMITS)
    run.tell("the next commit of {}: {}", node.name, fault.value)
    run.store(node).fail_next("commit", fault)


def fill_disk(run: Run, draws: Draws) -> None:
    """The disk of a node is full until it is mended: nothing can be committed."""
    node = draws.of(run.cluster.nodes)
    store = run.store(node)
    break_one(
        run,
        f"the disk of {node.name} is full",
        lambda: store.broken.update(commit=Fault.DISK_FULL),
        store.broken.clear,
    )


def change_seats(run: Run, draws: Draws) -> None:
    """An operator changes the number of agent seats, on all nodes while all are there."""
    if any(word in name for name in run.mends for word in HINDERED):
        return nobody(run)
    run.seats, run.seats_changed = draws.of((None, 1, 2, 3)), True
    run.tell("agent seats: {}", "as many as one likes" if run.seats is None else run.seats)
    for number in range(len(run.cluster.nodes)):
        change_settings(run.cluster, number, agent_seats=run.seats)


def stop_reading(run: Run, draws: Draws) -> None:
    """A client reads nothing any more."""
    player = _victim(run, draws)
    if player is None:
        return nobody(run)
    network, host = run.cluster.network, player.host
    break_one(
        run,
        f"{player.name} reads nothing",
        lambda: network.pause(host),
        lambda: network.resume(host),
    )


def wait(run: Run, draws: Draws) -> None:
    """Time passes: a moment, a time-out, a grace period."""
    world: World = run.world
    longest = draws.of((0.1, 0.5, world.delivering, world.grace, world.restore, world.timeout))
    seconds = draws.between(longest / 2, longest * 1.2)
    run.tell("{} seconds pass", round(seconds, 3))
    run.cluster.run(seconds)
