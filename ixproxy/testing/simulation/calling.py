"""Steps in which somebody calls external servers or nodes themselves, or asks how they are."""

from __future__ import annotations

from functools import partial
from typing import Any

from ixproxy import messages as m
from ixproxy.testing.memory_services import TYPE
from ixproxy.testing.simulation.asking import known, nobody
from ixproxy.testing.simulation.calls import (
    AFTER,
    ARCHIVE_TYPE,
    ECHO,
    FAULT,
    LATE,
    MARK,
    NEVER,
    SERVERS,
)
from ixproxy.testing.simulation.players import SORTS, Asked, Player
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.stepping import Draws
from ixproxy.testing.simulation.worlds import MEDIA
from ixproxy.testing.steps import TENANT

CALLERS = ("mail", "router", "desk", "urs")
CLIENT_REFID = "EspClientRefid"
OWN_TYPE, FIND = "InteractionServer", "FindInteractions"

ADDRESSES = (
    *({"AppName": name} for name, _ in SERVERS),
    *({"AppType": type} for type in (TYPE, TYPE, "classification-server", ARCHIVE_TYPE)),
)
NOBODY = ({"AppName": "nobody"}, {"AppType": "Chat Server"})
"""Names and types that no server has here."""

METHODS = (*(ECHO,) * 6, FAULT, *(LATE,) * 2, NEVER)


def call(run: Run, draws: Draws) -> None:
    """Somebody calls a server, by its name or by its type, about an interaction or about none."""
    players = run.there(*CALLERS)
    if not players:
        return nobody(run)
    player = draws.of(players)
    address = draws.of(NOBODY) if draws.percent(6) else draws.of(ADDRESSES)
    method = draws.of(METHODS)
    after = round(draws.between(0.0, 1.2 * run.world.calling) * 1000)
    some = list(run.ids)
    about = known(some, draws) if some and player.sort != "urs" and draws.percent(30) else ""
    timeout = draws.between(0.0005, 0.02) if draws.percent(10) else None
    made_call(run, player, address, method, after=after, about=about, timeout=timeout)


def made_call(
    run: Run,
    player: Player,
    address: dict[str, str],
    method: str = ECHO,
    *,
    after: int = 0,
    about: str = "",
    timeout: float | None = None,
) -> Asked:
    """
    Somebody calls a server.

    :param after: milliseconds after which a `LATE` answer is given.
    :param about: an interaction; "": none.
    :param timeout: seconds; None: enough for whatever the node's are.
    """
    mark = run.mark()
    request = m.Request3rdServer(
        tenant_id=TENANT,
        interaction_id=about,
        media_type="" if about else MEDIA[run.marks % len(MEDIA)],
        envelope3rd_server={
            **address,
            "Service": "Test",
            "Method": method,
            "Parameters": {MARK: mark, AFTER: after},
        },
        user_data={"of": mark},
        extension={CLIENT_REFID: run.marks},
    )
    if timeout is None:
        timeout = run.world.timeout + run.world.calling
    return run.ask(player, request, marks=(mark,), timeout=timeout)


def find_by_call(run: Run, draws: Draws) -> None:
    """Somebody has a node look for interactions, for itself alone."""
    players = run.there(*CALLERS)
    if not players:
        return nobody(run)
    player = draws.of(players)
    parameters: dict[str, Any] = {"Condition": draws.of(("Queue = 'In'", "Priority > 5", ""))}
    if draws.percent(30):
        parameters["Limit"] = draws.of((1, "2"))
    if draws.percent(30):
        parameters["MediaType"] = draws.of(MEDIA)
    find(run, player, parameters)


def find(run: Run, player: Player, parameters: dict[str, Any], about: str = "") -> Asked:
    """
    Somebody calls a node's own service.

    :param about: an interaction whose node is called; "": any node is.
    """
    request = m.Request3rdServer(
        tenant_id=TENANT,
        interaction_id=about,
        envelope3rd_server={"AppType": OWN_TYPE, "Method": FIND, "Parameters": parameters},
    )
    return run.ask(player, request)


def report_calls(run: Run, draws: Draws) -> None:
    """A reporting client wants to hear of calls, of all servers or of some, or not any more."""
    players = run.there("stat")
    if not players:
        return nobody(run)
    player = draws.of(players)
    servers = [draws.of(SERVERS)[0]] if draws.percent(40) else []
    if not player.hears_calls:
        player.hears_calls = True
        player.here.on_event(partial(run.calls.reported, player.name))
    kind: Any = m.RequestStartExternalServiceReporting
    if draws.percent(25):
        kind = m.RequestStopExternalServiceReporting
    run.ask(player, kind(servers=servers))


def ping(run: Run, draws: Draws) -> None:
    """Somebody pings: a node answers, a proxy does not."""
    players = run.there(*SORTS)
    if not players:
        return nobody(run)
    run.ask(draws.of(players), m.RequestPing())


def status(run: Run, draws: Draws) -> None:
    """Somebody asks how the server is that it is connected to."""
    players = run.there(*SORTS)
    if not players:
        return nobody(run)
    run.ask(draws.of(players), m.RequestServerStatus())
