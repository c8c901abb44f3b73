"""
Rules of calls to external servers and nodes' own services, and of pings.

As in `rules`, a rule yields what breaks it. Two are asked by the servers, as calls reach
them (`calls`): `a_call_is_made_once` and `what_was_refused_is_not_called`, and one as
events reach reporting clients: `calls_are_reported_once`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation.calling import CLIENT_REFID, NOBODY, OWN_TYPE
from ixproxy.testing.simulation.calls import ASKED_FOR, ECHO, FAULT, MARK
from ixproxy.testing.simulation.ledger import OWN
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import Run

LOST = (Code.SERVICE_NOT_CONNECTED, Code.SERVICE_LOST)


def what_was_refused_is_not_called(run: Run, asked: Asked) -> Iterator[str]:
    """A call that is refused with 'nothing done' reaches no server, neither before nor later."""
    outcome = asked.outcome
    if not _is_call(asked) or not isinstance(outcome, RequestRefused) or outcome.in_doubt:
        return
    (mark,) = asked.marks
    run.calls.forbidden[mark] = why = f"#{asked.step} was refused with {outcome.code}, nothing done"
    if made := run.calls.made.get(mark):
        yield f"{mark} was made at {made[0]}, but {why}"


def a_call_is_answered_by_whom_it_was_for(run: Run, asked: Asked) -> Iterator[str]:
    """
    An answer is that of the one server that was called, which was meant, and names the call
    as its caller did; who is meant by nobody is unknown, and nobody else is (doc/esp.md).
    """
    if not _is_call(asked):
        return
    outcome, envelope = asked.outcome, _envelope(asked)
    unknown = any(address.items() <= envelope.items() for address in NOBODY)
    if isinstance(outcome, RequestRefused):
        if not unknown and outcome.code == Code.SERVICE_UNKNOWN:
            yield f"{envelope} of #{asked.step} is refused as unknown"
        there = all(server.alive for server in run.calls.servers) and not _may_hang(run)
        if run.world.calm and outcome.code in LOST and there:
            yield f"#{asked.step} is refused with {outcome.code}, and all servers are there"
        return
    (mark,) = asked.marks
    made = run.calls.made.get(mark, [])
    if len(made) != 1 or unknown or not _is_meant(run, envelope, made[0]):
        yield f"{mark} of #{asked.step} to {envelope} was made at {made or 'no server'}"
    elif isinstance(outcome, m.Event3rdServerResponse):
        said = outcome.envelope3rd_server.get("Parameters", {})
        wanted = {MARK: mark, "server": made[0]}
        if said != wanted or outcome.user_data != {"of": mark}:
            yield f"{mark} is answered with {said} and {outcome.user_data}, not with {wanted}"
        if envelope["Method"] == FAULT:
            yield f"{envelope['Method']} of #{asked.step} has the answer {said}"
    else:
        code = getattr(outcome, "fault_code", "")
        if (code, envelope["Method"]) != (ASKED_FOR, FAULT):
            yield f"{mark} of #{asked.step} is a fault: {code}"
    named = getattr(outcome, "extension", {}).get(CLIENT_REFID)
    if named != asked.request.extension[CLIENT_REFID]:
        yield f"the answer to #{asked.step} names the call {named}"


def what_is_found_by_a_call_is_of_one_node(run: Run, asked: Asked) -> Iterator[str]:
    """A node's own service sees what that node has (doc/esp.md), and counts it."""
    outcome, request = asked.outcome, asked.request
    if isinstance(outcome, m.Event3rdServerFault) and _is_own(asked):
        yield f"#{asked.step} is a fault: {outcome.fault_code}, {outcome.fault_string}"
    if not isinstance(outcome, m.Event3rdServerResponse) or not _is_own(asked):
        return
    assert isinstance(request, m.Request3rdServer)
    said: dict[str, Any] = outcome.envelope3rd_server.get("Parameters", {})
    found = said.get("Interactions", {})
    limit = int(_envelope(asked)["Parameters"].get("Limit", len(found)))
    if said.get("Count") != len(found) or len(found) > limit:
        yield f"#{asked.step} finds {len(found)}, says {said.get('Count')}, and {limit} are wanted"
    born = {name: run.ledger.born.get(name) for name in found if not name.startswith(OWN)}
    if None in born.values() or len(set(born.values())) > 1:
        yield f"#{asked.step} finds what came on different nodes, or on none: {born}"


def pings_are_refused_by_proxies(run: Run, asked: Asked) -> Iterator[str]:
    """A proxy answers no ping (2000), and a node does (doc/protocol.md)."""
    if not isinstance(asked.request, m.RequestPing):
        return
    outcome = asked.outcome
    if asked.player.sort == "urs":
        if isinstance(outcome, RequestRefused) and outcome.code == Code.UNSUPPORTED_OPERATION:
            yield f"the ping of #{asked.step} is refused by a node"
    elif not isinstance(outcome, RequestRefused):
        yield f"the ping of #{asked.step} is answered by a proxy"
    elif run.world.calm and outcome.code not in (Code.UNSUPPORTED_OPERATION, Code.LOST_CONNECTION):
        yield f"the ping of #{asked.step} is refused with {outcome.code}"


def _may_hang(run: Run) -> bool:
    """Whether a server may have answered nothing for so long that it was connected to anew."""
    return any(
        _envelope(asked)["Method"] not in (ECHO, FAULT) for asked in run.asked if _is_call(asked)
    )


def _envelope(asked: Asked) -> dict[str, Any]:
    assert isinstance(asked.request, m.Request3rdServer)
    return asked.request.envelope3rd_server


def _is_own(asked: Asked) -> bool:
    request = asked.request
    return (
        isinstance(request, m.Request3rdServer)
        and request.envelope3rd_server.get("AppType") == OWN_TYPE
    )


def _is_call(asked: Asked) -> bool:
    return isinstance(asked.request, m.Request3rdServer) and not _is_own(asked)


def _is_meant(run: Run, envelope: dict[str, Any], name: str) -> bool:
    """Whether a server has the name, or the type, of an envelope."""
    if "AppName" in envelope:
        return bool(envelope["AppName"] == name)
    type = run.calls.server(name).known.type
    return _letters(type) == _letters(envelope["AppType"])


def _letters(type: str) -> str:
    return type.casefold().replace(" ", "").replace("-", "")
