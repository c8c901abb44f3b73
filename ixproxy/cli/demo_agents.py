"""
What is done with an interaction: by agents, who are invited, and by strategies.

Theory of operation: a strategy takes interactions out of the views and delivers
each to an agent who is free (`demo_routing`). The agent is invited; most invitations
are accepted, some are refused, and some are let pass. What becomes of an interaction is
decided by its id, so that a part of them takes each of the ways that `Fate` names.
A stop is the end of each way, and every stop that is acknowledged is counted by
its id. What went into an agent's workbin is fetched from there, by its owner, when
the views are empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from zlib import crc32

from ixproxy import messages as m
from ixproxy.cli.connecting import Asking
from ixproxy.cli.demo_clients import Clients
from ixproxy.cli.demo_deployment import TENANT_ID, WORKBIN, Plan
from ixproxy.messages.message import KeyValues, Message, Request

BY_IDS = "_system_"
DELIVER, TRANSFER, CONFERENCE = "Deliver", "Transfer", "Conference"
"""The operations of invitations."""


class Fate(Enum):
    """What becomes of an interaction that was accepted."""

    STOPPED = "stopped at once"
    CHANGED = "changed, then stopped"
    HELD = "put on hold, resumed, then stopped"
    KEPT = "laid into a workbin, fetched, then stopped"
    ESCALATED = "placed in another queue, then stopped by a strategy"
    TRANSFERRED = "transferred to another agent, who stopped it"
    CONFERENCED = "worked on by two, then stopped by the second"


_PER_CENT = (
    (5, Fate.CHANGED),
    (10, Fate.HELD),
    (15, Fate.KEPT),
    (20, Fate.ESCALATED),
    (25, Fate.TRANSFERRED),
    (30, Fate.CONFERENCED),
)


def fate_of(identifier: str) -> Fate:
    """What becomes of an interaction: the same in every run with the same id."""
    drawn = crc32(identifier.encode()) % 100
    return next((fate for below, fate in _PER_CENT if drawn < below), Fate.STOPPED)


class Manner(Enum):
    """What comes of the first invitation to an interaction; a second one is accepted."""

    ACCEPTED = "accepted"
    REJECTED = "refused"
    EXPIRED = "let pass"


def manner_of(identifier: str) -> Manner:
    """How the first invitation is answered: the same in every run with the same id."""
    drawn = crc32(b"answer to " + identifier.encode()) % 100
    return Manner.EXPIRED if drawn < 1 else Manner.REJECTED if drawn < 6 else Manner.ACCEPTED


@dataclass(slots=True)
class Seen:
    """
    What agents and strategies saw of the cluster.

    :ivar stops: interaction id to how many of its stops were acknowledged.
    :ivar held: who has an interaction, by what the cluster answered.
    :ivar taken_twice: takes of an interaction that somebody had.
    :ivar done: how often something was done that reporting clients are told of,
        by the names that `demo_watching` has for it.
    :ivar turned_down: what was refused or let pass once, and will be accepted.
    :ivar pulls: pulls that gave something; `breaks`: those of them that gave
        something older than what an earlier pull of the same view had given.
    """

    stops: Counter[str] = field(default_factory=Counter)
    fates: Counter[Fate] = field(default_factory=Counter)
    held: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    turned_down: set[str] = field(default_factory=set)
    taken_twice: int = 0
    pulls: int = 0
    breaks: int = 0
    newest: dict[str, bytes] = field(default_factory=dict)

    def pulled(self, view: str, known: bytes, keys: dict[str, bytes]) -> None:
        """
        Look at the order keys of what a pull gave.

        :param known: the newest key of the view when the pull was sent: only
            what was known then can be said to have come before.
        """
        # What was turned down is back in its old place, before what was pulled since.
        keys = {each: key for each, key in keys.items() if each not in self.turned_down}
        if keys:
            self.pulls += 1
            self.breaks += min(keys.values()) < known
            self.newest[view] = max(self.newest.get(view, b""), *keys.values())

    def taken(self, identifier: str, who: str) -> None:
        """Somebody was handed an interaction."""
        self.taken_twice += identifier in self.held
        self.held[identifier] = who

    def given_back(self, identifier: str) -> None:
        """Whoever had it has it no more, or is about to."""
        self.held.pop(identifier, None)


class Worker:
    """
    An agent, or a strategy: pulls, works, stops.

    :param stopped: called for each stop that was acknowledged.
    """

    def __init__(
        self,
        clients: Clients,
        client: Asking,
        name: str,
        seen: Seen,
        stopped: Callable[[int], None],
    ) -> None:
        self._clients = clients
        self._client = client
        self.name = name
        self._seen = seen
        self._stopped = stopped
        self._shown: dict[str, KeyValues] = {}
        """Properties of what was pulled, for who wants to look at them."""

    async def pull(self, view: str, extension: KeyValues) -> list[str]:
        """One pull from a view; the ids that it gave, none after an error."""
        seen = self._seen
        known = seen.newest.get(view, b"")
        request = m.RequestPull(
            tenant_id=TENANT_ID, view_id=view, number_of_interactions=1, extension=extension
        )
        kind = "Pull, held while empty" if extension else "Pull"
        answer = await self._clients.tried(self._client, request, kind)
        if not isinstance(answer, m.EventPulledInteractions):
            return []
        seen.pulled(view, known, answer.sort_keys)
        for identifier in answer.interactions:
            seen.taken(identifier, self.name)
        self._shown.update(answer.interactions)
        return list(answer.interactions)

    async def stop(self, identifier: str) -> None:
        """End an interaction."""
        self._seen.given_back(identifier)
        self._shown.pop(identifier, None)
        request = m.RequestStopProcessing(
            tenant_id=TENANT_ID,
            interaction_id=identifier,
            reason=m.Reason(reason_description="done"),
        )
        if await self._clients.tried(self._client, request) is not None:
            self._seen.stops[identifier] += 1
            self._stopped(1)

    async def do(self, request: Request) -> bool:
        """Send a request; whether it was carried out."""
        return await self._clients.tried(self._client, request) is not None


class Agent(Worker):
    """
    An agent who is logged in, with all media ready, and does what comes in invitations.

    :param at_work: has the agent's work done, and looks after it.
    :ivar others: who may be asked to take over, or to join.
    """

    def __init__(
        self,
        clients: Clients,
        client: Asking,
        name: str,
        seen: Seen,
        stopped: Callable[[int], None],
        plan: Plan,
        at_work: Callable[[Agent, m.EventInvite], None],
    ) -> None:
        super().__init__(clients, client, name, seen, stopped)
        self._plan = plan
        self._at_work = at_work
        self.others: Sequence[Agent] = ()
        client.on_event(self._told)

    async def log_in(self, number: int) -> None:
        """:raise RequestRefused: the cluster refused the login."""
        await self._clients.ask(
            self._client,
            m.RequestAgentLogin(
                tenant_id=TENANT_ID,
                agent_id=self.name,
                place_id=f"place-{number}",
                media_list=dict.fromkeys(self._plan.media_types, 1),
            ),
        )
        self._seen.done["logins"] += 1

    async def log_out(self) -> None:
        """Errors are counted."""
        request = m.RequestAgentLogout(tenant_id=TENANT_ID, agent_id=self.name)
        self._seen.done["logouts"] += await self.do(request)

    def _told(self, event: Message) -> None:
        if isinstance(event, m.EventInvite):
            self._at_work(self, event)

    async def answer(self, invite: m.EventInvite) -> bool:
        """
        Accept an invitation and do what there is to do, or do not accept it.

        :return: whether the agent was busy with a delivery and has done it.
        """
        identifier, delivery = invite.interaction_id, invite.operation == DELIVER
        about: dict[str, Any] = {
            "tenant_id": TENANT_ID,
            "interaction_id": identifier,
            "ticket_id": invite.ticket_id,
        }
        if delivery and identifier not in self._seen.turned_down:
            manner = manner_of(identifier)
            if manner is not Manner.ACCEPTED:
                self._seen.turned_down.add(identifier)
            if manner is Manner.EXPIRED:
                return False
            if manner is Manner.REJECTED:
                why = m.Reason(reason_description="somebody else may")
                await self.do(m.RequestReject(reason=why, **about))
                return False
        if not await self.do(m.RequestAccept(**about)):
            return False
        if invite.operation == CONFERENCE:
            # It is the first agent's still, who says when it is ours.
            return False
        self._seen.taken(identifier, self.name)
        if delivery:
            await self._treat(identifier)
        else:
            await self.stop(identifier)
        return delivery

    async def _treat(self, identifier: str) -> None:
        fate = fate_of(identifier)
        if fate in (Fate.TRANSFERRED, Fate.CONFERENCED) and not self.others:
            fate = Fate.STOPPED
        self._seen.fates[fate] += 1
        whose: dict[str, Any] = {"tenant_id": TENANT_ID, "interaction_id": identifier}
        match fate:
            case Fate.KEPT:
                self._seen.given_back(identifier)
                if await self.do(m.RequestPlaceInWorkbin(workbin=self._workbin, **whose)):
                    return
            case Fate.ESCALATED:
                self._seen.given_back(identifier)
                request = m.RequestPlaceInQueue(queue=self._plan.escalations, **whose)
                if await self.do(request):
                    return
            case Fate.CHANGED:
                notes = {"Handled by": self.name}
                await self.do(m.RequestChangeProperties(added_properties=notes, **whose))
            case Fate.HELD:
                if await self.do(m.RequestHold(**whose)):
                    await self.do(m.RequestResume(**whose))
            case Fate.TRANSFERRED:
                if await self._transfer(whose):
                    return
            case Fate.CONFERENCED:
                if await self._confer(whose):
                    return
            case Fate.STOPPED:
                pass
        await self.stop(identifier)

    def _colleague(self, identifier: str) -> Agent:
        return self.others[crc32(identifier.encode()) // 100 % len(self.others)]

    async def _transfer(self, whose: dict[str, Any]) -> bool:
        identifier = whose["interaction_id"]
        other = self._colleague(identifier)
        self._seen.given_back(identifier)
        self._seen.done["invited"] += 1
        if not await self.do(m.RequestTransfer(agent_id=other.name, **whose)):
            return False
        self._seen.done["transferred"] += 1
        return True

    async def _confer(self, whose: dict[str, Any]) -> bool:
        identifier = whose["interaction_id"]
        other = self._colleague(identifier)
        self._seen.done["invited"] += 1
        if not await self.do(m.RequestConference(agent_id=other.name, **whose)):
            return False
        self._seen.done["joined"] += 1
        self._seen.given_back(identifier)
        await self.do(m.RequestLeaveInteraction(**whose))
        self._seen.taken(identifier, other.name)
        await other.stop(identifier)
        return True

    @property
    def _workbin(self) -> m.Workbin:
        return m.Workbin(workbin_type_id=WORKBIN, workbin_agent_id=self.name)

    async def empty_workbin(self) -> None:
        """Fetch what lies in the agent's workbin, and stop it."""
        while True:
            lying = m.RequestGetWorkbinContent(tenant_id=TENANT_ID, workbin=self._workbin)
            content = await self._clients.tried(self._client, lying)
            if not isinstance(content, m.EventWorkbinContent) or not content.interactions:
                return
            identifiers = list(content.interactions)[:50]
            taking = m.RequestPull(
                tenant_id=TENANT_ID,
                view_id=BY_IDS,
                pull_parameters=dict.fromkeys(identifiers, 1),
                number_of_interactions=len(identifiers),
            )
            answer = await self._clients.tried(self._client, taking)
            if not isinstance(answer, m.EventPulledInteractions):
                return
            for identifier in answer.interactions:
                self._seen.taken(identifier, self.name)
                await self.stop(identifier)
