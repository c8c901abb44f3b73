"""Print doc/life-cycle.md: the life of an interaction, drawn from the node's table."""

from __future__ import annotations

from collections.abc import Iterator

from ixproxy.errors import describe
from ixproxy.messages import EventAbandoned, EventRouteRequest
from ixproxy.messages.message import Event
from ixproxy.node.life_cycle import (
    LIFE_CYCLE,
    STATES,
    State,
    Step,
    To,
    Transition,
    Trigger,
    When,
)
from ixproxy.testing.life_traces import TRACES

HEAD = """\
# The life of an interaction

What may happen to an interaction on its node, in which state, and which events say so. This page is
generated from the table by which nodes work (`ixproxy/node/life_cycle.py`): `make protocol`.

A transition happens as a whole, in one transaction with the answer to the request that brought it
about. Its events stand in their order; each has a number of its own, whoever receives it.

* A name in brackets: only where the interaction lies, or lay, in a workbin.
* *Each*: one event for each party that leaves.
* *Ended* `Revoked`: one for each invitation that ends by it.
* What is pushed to a router leaves `Queued` and is `Routing` in one step.
* `Cached` is a state of the field's that this version does not enter.

While an agent is invited there is no state of its own. What a strategy delivers stays `Routing`,
without a party, until the agent answers or the time is over; all else stays with who has it.
"""

RECEIVERS = {
    To.OTHER_PARTIES: "the parties that stay",
    To.THE_PARTY: "each party that leaves without having asked for it",
    To.THE_ROUTER: "the router that it was pushed to; of its own change, unless"
    " `no-userdata-changed-response-to-urs` is set",
    To.CONCERNED: "the agents who handle it, and submitters that asked for it at registration",
    To.SUBMITTERS: "the media servers with the submitter's name",
    To.THE_INVITED: "all clients of the invited agent",
    To.OTHER_CLIENTS: "the clients of the invited agent, but for the one that answered",
    To.THE_INVITER: "the strategy whose delivery came to nothing",
    To.UNANSWERED: "the client that asked for the invitation, if its request waits no more",
    To.LISTENERS: "whoever listens to the workbin, and asked for this if it is no way in or out",
}

OWN: dict[type[Event], str] = {
    EventRouteRequest: "the router that it is pushed to",
    EventAbandoned: "each router that it was pushed to, and that did not stop it itself",
}
"""Events whose receivers are better said of themselves."""

ASKED_FOR = (
    Trigger.SUBMITTED,
    Trigger.SUBMITTED_BY_AGENT,
    Trigger.TAKEN_BY_STRATEGY,
    Trigger.TAKEN_BY_AGENT,
    Trigger.PLACED_IN_QUEUE,
    Trigger.PLACED_IN_WORKBIN,
    Trigger.STOPPED,
    Trigger.CHANGED,
    Trigger.HELD,
    Trigger.RESUMED,
    Trigger.LEFT,
    Trigger.DELIVERED,
    Trigger.TRANSFER_ASKED,
    Trigger.CONFERENCE_ASKED,
    Trigger.INTRUDED,
)


def name_of(state: State) -> str:
    return "–" if state is None else state.name.capitalize()


def reported(step: Step) -> str:
    name = f"`{step.event.__name__.removeprefix('Event')}`"
    if step.when in (When.INTO_WORKBIN, When.OUT_OF_WORKBIN):
        return f"[{name}]"
    if step.when is When.EACH_CALLED_OFF:
        return f"*ended* {name}"
    return f"*each* {name}" if step.when is When.EACH_LEAVING else name


def drawing() -> Iterator[str]:
    """Every change of state, with all that brings it about."""
    yield "## Changes of state\n"
    yield "```"
    for source in STATES:
        for target in (*STATES[1:], None):
            triggers = [
                trigger.value
                for trigger in Trigger
                if isinstance(found := LIFE_CYCLE[trigger, source], Transition)
                and found.target is target
                and source is not target
            ]
            for place, words in enumerate(triggers):
                arrow = f"{name_of(source):>9} ──▶ {name_of(target):<9}" if not place else " " * 23
                yield f"{arrow} {words}"
    yield "```"


def transitions() -> Iterator[str]:
    """Every transition with its reporting events."""
    yield "\n## Transitions\n"
    yield "| what happens | from | to | reporting events |"
    yield "|---|---|---|---|"
    for trigger in Trigger:
        rows: dict[tuple[str, str], list[State]] = {}
        for state in STATES:
            found = LIFE_CYCLE[trigger, state]
            if isinstance(found, Transition):
                events = ", ".join(reported(step) for step in found.steps if step.reported)
                target = "the same" if found.target is state else name_of(found.target)
                rows.setdefault((target, events), []).append(state)
        for (target, events), states in rows.items():
            sources = ", ".join(map(name_of, states))
            yield f"| {trigger.value} | {sources} | {target} | {events} |"


def receivers() -> Iterator[str]:
    """Who is told beside reporting."""
    yield "\n## Who is told beside reporting\n"
    yield (
        "The client that asked for something gets its answer, and none of these for it, but for "
        "what it hears of workbins.\n"
    )
    yield "| event | goes to |"
    yield "|---|---|"
    seen: set[tuple[str, To]] = set()
    for found in LIFE_CYCLE.values():
        for step in found.steps if isinstance(found, Transition) else ():
            key = (step.event.__name__, step.to)
            if step.to in RECEIVERS and key not in seen:
                seen.add(key)
                yield f"| `{step.event.__name__}` | {OWN.get(step.event, RECEIVERS[step.to])} |"


def refusals() -> Iterator[str]:
    """What is asked for and cannot happen, and how that is answered."""
    yield "\n## What cannot happen\n"
    yield "| what is asked for | in | answer |"
    yield "|---|---|---|"
    for trigger in ASKED_FOR:
        rows: dict[int, list[State]] = {}
        for state in STATES:
            found = LIFE_CYCLE[trigger, state]
            if isinstance(found, int):
                rows.setdefault(found, []).append(state)
        for code, states in rows.items():
            places = ", ".join(name_of(state) for state in states)
            yield f"| {trigger.value} | {places} | {code} {describe(code)} |"


def traces() -> Iterator[str]:
    """The traces of the field."""
    yield "\n## The traces of the field\n"
    yield "What reporting hears, as the field numbers the usual things, and who is told beside.\n"
    yield "| | what happens | from | to | reporting events | beside |"
    yield "|---|---|---|---|---|---|"
    for trace in TRACES:
        events = ", ".join(f"`{name}`" for name in trace.reported) or "–"
        states = f"{trace.source or '–'} | {trace.target or '–'}"
        yield f"| {trace.name} | {trace.what} | {states} | {events} | {trace.beside} |"


def page() -> Iterator[str]:
    yield HEAD
    yield from drawing()
    yield from transitions()
    yield from traces()
    yield from receivers()
    yield from refusals()


if __name__ == "__main__":
    print("\n".join(page()))
