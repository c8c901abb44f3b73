"""The kinds of steps, in one table: what each is called, how often it is met, what it does."""

from __future__ import annotations

from typing import NamedTuple

from ixproxy.testing.simulation import (
    agents,
    asking,
    breaking,
    breaking_logs,
    breaking_routers,
    breaking_services,
    calling,
    pairs,
    pushed,
    snapshots,
    workbins,
)
from ixproxy.testing.simulation.asking import upon
from ixproxy.testing.simulation.pushed import upon_pushed
from ixproxy.testing.simulation.run import Do
from ixproxy.testing.simulation.worlds import World


class Kind(NamedTuple):
    """
    One kind of step.

    :ivar weight: how often it is met, against the others; see `stepping.FACTORS`.
    """

    name: str
    weight: float
    do: Do


KINDS: tuple[Kind, ...] = (
    Kind("submit", 14, asking.submit),
    Kind("submit again", 3, asking.submit_again),
    Kind("submit own", 2, asking.submit_own),
    Kind("submit named", 2, asking.submit_named),
    Kind("ask of named", 2, asking.ask_of_named),
    Kind("pull", 16, asking.pull),
    Kind("pull by ids", 4, asking.pull_by_ids),
    Kind("deliver", 7, upon(asking.deliver, "router")),
    Kind("stop", 7, upon(asking.stop, "router", "desk")),
    Kind("place in queue", 4, upon(asking.place_in_queue, "router", "desk")),
    Kind("place in workbin", 2, upon(asking.place_in_workbin, "router", "desk")),
    Kind("change", 4, upon(asking.change, "router", "desk", "mail")),
    Kind("properties", 3, upon(asking.properties, "router", "desk", "mail")),
    Kind("hold", 1, upon(asking.hold, "router", "desk")),
    Kind("resume", 1, upon(asking.resume, "router", "desk")),
    Kind("leave", 2, upon(asking.leave, "router", "desk")),
    Kind("transfer", 3, upon(asking.transfer, "desk")),
    Kind("conference", 3, upon(asking.conference, "desk")),
    Kind("find", 1, asking.find),
    Kind("workbin", 1, asking.workbin),
    Kind("give up", 2, asking.give_up),
    Kind("login", 7, agents.login),
    Kind("logout", 1.5, agents.logout),
    Kind("state", 6, agents.state),
    Kind("answer", 9, agents.answer),
    Kind("report", 1.2, agents.report),
    Kind("wait", 4, breaking.wait),
    Kind("mend", 5, breaking.mend),
    Kind("kill node", 1, breaking.kill_node),
    Kind("pause node", 0.6, breaking.pause_node),
    Kind("kill proxy", 0.8, breaking.kill_proxy),
    Kind("cut node", 0.7, breaking.cut_node),
    Kind("cut proxies", 0.3, breaking.cut_proxies),
    Kind("cut client", 0.6, breaking.cut_client),
    Kind("lose link", 0.7, breaking.lose_link),
    Kind("lose client", 1, breaking.lose_client),
    Kind("kill client", 0.5, breaking.kill_client),
    Kind("close client", 0.6, breaking.close_client),
    Kind("come", 1.5, breaking.come),
    Kind("fail commit", 0.8, breaking.fail_commit),
    Kind("fill disk", 0.4, breaking.fill_disk),
    Kind("change seats", 0.4, breaking.change_seats),
    Kind("stop reading", 0.4, breaking.stop_reading),
    Kind("kill primary", 1, pairs.of_primary(pairs.kill)),
    Kind("stop primary", 0.7, pairs.of_primary(pairs.stop)),
    Kind("freeze primary", 1, pairs.of_primary(pairs.freeze)),
    Kind("freeze backup", 0.2, pairs.of_backup(pairs.freeze)),
    Kind("kill backup", 0.4, pairs.of_backup(pairs.kill)),
    Kind("lose store", 0.8, pairs.of_primary(pairs.lose_store)),
    Kind("lose backup's store", 0.2, pairs.of_backup(pairs.lose_store)),
    Kind("lose both stores", 0.4, pairs.lose_both_stores),
    Kind("take snapshot", 6, snapshots.take),
    Kind("page of snapshot", 6, snapshots.page),
    Kind("lock member", 2, snapshots.lock),
    Kind("unlock member", 2, snapshots.unlock),
    Kind("move snapshot", 3, snapshots.move),
    Kind("stop snapshot", 0.6, snapshots.stop),
    Kind("release snapshot", 2.5, snapshots.release),
    Kind("listen to workbin", 4, workbins.listen),
    Kind("listen no more", 1, workbins.listen_no_more),
    Kind("submit in workbin", 3, workbins.submit_there),
    Kind("count in workbin", 1.5, workbins.count),
    Kind("distribute event", 3, workbins.distribute),
)

OF_SERVICES: tuple[Kind, ...] = (
    Kind("call", 14, calling.call),
    Kind("find by call", 2, calling.find_by_call),
    Kind("report calls", 1.5, calling.report_calls),
    Kind("ping", 1, calling.ping),
    Kind("status", 0.5, calling.status),
    Kind("kill service", 1.5, breaking_services.kill_service),
    Kind("cut service", 1, breaking_services.cut_service),
    Kind("lose service", 1, breaking_services.lose_service),
    Kind("stop service reading", 0.4, breaking_services.stop_service_reading),
)
"""What is met only where there are external servers."""

OF_PUSHED: tuple[Kind, ...] = (
    Kind("submit routed", 8, pushed.submit_routed),
    Kind("submit several routed", 3, pushed.submit_several_routed),
    Kind("place in routed", 3, upon(pushed.place_in_routed, "router", "desk")),
    Kind("pull routed", 2, pushed.pull_routed),
    Kind("route", 14, pushed.route),
    Kind("deliver pushed", 3, upon_pushed(asking.deliver)),
    Kind("stop pushed", 3, upon_pushed(asking.stop)),
    Kind("place pushed in queue", 3, upon_pushed(asking.place_in_queue)),
    Kind("place pushed in workbin", 1, upon_pushed(asking.place_in_workbin)),
    Kind("change pushed", 2, upon_pushed(asking.change)),
    Kind("hold pushed", 1, upon_pushed(asking.hold)),
    Kind("resume pushed", 1, upon_pushed(asking.resume)),
    Kind("leave pushed", 2, upon_pushed(asking.leave)),
    Kind("router comes", 2, pushed.router_comes),
    Kind("load", 2, pushed.load),
    Kind("cut router", 1, breaking_routers.cut_router),
    Kind("lose router", 1.5, breaking_routers.lose_router),
    Kind("kill router", 1, breaking_routers.kill_router),
)
"""What is met only where nodes push to routers."""

OF_LOGS: tuple[Kind, ...] = (
    Kind("lose log", 3, breaking_logs.lose_log),
    Kind("lose answers of log", 2, breaking_logs.lose_answers_of_log),
)
"""What is met only where nodes have event logs."""

PAIRED = frozenset(kind.name for kind in KINDS if kind.do.__module__ == pairs.__name__)
"""What is met only where nodes have two servers."""

OF_SNAPSHOTS = frozenset(
    kind.name for kind in KINDS if kind.do.__module__ in (snapshots.__name__, workbins.__name__)
)
"""What is met only in worlds that have snapshots."""

_BREAKING = {
    each.__name__ for each in (breaking, breaking_logs, breaking_services, breaking_routers)
}
TROUBLE = frozenset(
    kind.name
    for kind in (*KINDS, *OF_SERVICES, *OF_PUSHED, *OF_LOGS)
    if kind.do.__module__ in _BREAKING and kind.name not in ("wait", "come", "close client")
)
"""What never happens in a calm world."""

WEIGHTS = {kind.name: kind.weight for kind in KINDS}
DO = {kind.name: kind.do for kind in (*KINDS, *OF_SERVICES, *OF_PUSHED, *OF_LOGS)}


def weights_of(world: World) -> dict[str, float]:
    """What is met in a world, and how often."""
    left_out: frozenset[str] = frozenset() if world.pairs else PAIRED
    if not world.snapshots:
        left_out |= OF_SNAPSHOTS
    if world.calm:
        left_out |= TROUBLE | PAIRED
    kinds = (
        *KINDS,
        *(OF_SERVICES if world.services else ()),
        *(OF_PUSHED if world.pushed else ()),
        *(OF_LOGS if world.logs else ()),
    )
    return {kind.name: kind.weight for kind in kinds if kind.name not in left_out}
