"""
Agent seat licences: how many each node has, and how many agents that lets in.

An agent logs in on every node, so the smallest share is the capacity of the
cluster. Both servers of a pair share what their primary has.
"""

from __future__ import annotations

from ixproxy.config_deployment import Deployment
from ixproxy.config_rules import Case, Rule

_OWN = "ics_multi_media_agent_seat"


def shares(deployment: Deployment) -> dict[str, int | None]:
    """
    The seats of each node, by name, in the order of dbid; None: not limited.

    Every process computes them alike: a node has what it asks for, or what
    the nodes before it have left.
    """
    left = deployment.agent_seats
    found: dict[str, int | None] = {}
    for node in sorted(deployment.nodes(), key=lambda node: node.dbid):
        own = node.licences.ics_multi_media_agent_seat
        if left is not None:
            own = left if own is None else min(own, left)
            left -= own
        found[node.name] = own
    return found


def _capacity(limited: list[int]) -> str:
    least = min(limited)
    return f"at most {least} agents can" if least else "no agent can"


def _the_smallest_share_is_the_capacity(case: Case) -> None:
    given = shares(case.deployment)
    limited = [share for share in given.values() if share is not None]
    if len(given) == len(limited) and len(set(limited)) <= 1:
        return
    if case.deployment.agent_seats is not None:
        parts = ", ".join(f"{name} {share}" for name, share in given.items())
        text = (
            f"given out in the order of dbid: {parts}; agents log in on every node, so"
            f" {_capacity(limited)} be logged in at a time"
        )
        case.findings.warning(("licences",), "agent-seats", text)
    elif limited:
        least = min(limited)
        name = next(name for name, share in given.items() if share == least)
        text = (
            "agents log in on every node, and this is the smallest number: whatever other"
            f" nodes have, {_capacity(limited)} be logged in at a time"
        )
        case.advise_setting(name, _OWN, text, "licences")


def _every_node_asks_for_a_number_of_seats(case: Case) -> None:
    if case.deployment.agent_seats is None:
        return
    given = shares(case.deployment)
    names = list(given)
    for place, name in enumerate(names[:-1]):
        if case.deployment.node(name).licences.ics_multi_media_agent_seat is None:
            text = (
                f"expected a number: without one this node has all {given[name]} seats that are"
                f" left, and {', '.join(names[place + 1 :])} none"
            )
            case.advise_setting(name, _OWN, text, "licences")
            return


ADVICE: tuple[Rule, ...] = (
    _the_smallest_share_is_the_capacity,
    _every_node_asks_for_a_number_of_seats,
)
