"""What comes of offering interactions to agents, in scripts: invitations, and what is upon them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.message import Reason, Request
from ixproxy.testing.agent_steps import NAMES, AgentSteps
from ixproxy.testing.steps import LABEL, NO_TICKET, TENANT, THE_TICKET, Action, Ask, Upon

MODES = ("Conference", "Coach", "Monitor")
MAIL, ROUTER = 0, 5


@dataclass
class Guess:
    """Where an interaction probably is, and who has it; a wrong guess only makes a refusal."""

    label: str
    where: str = ""
    holders: set[int] = field(default_factory=set)
    stopped: bool = False


class InvitationSteps:
    """
    Writes invitations and the answers to them.

    :param reason: gives each step its reason.
    """

    def __init__(self, random: Random, reason: Callable[[], Reason], agents: AgentSteps) -> None:
        self._random = random
        self._reason = reason
        self._agents = agents

    def invitation(self, client: int, guess: Guess, target: str) -> list[Action]:
        """One interaction is offered to one agent."""
        random = self._random
        name: dict[str, Any] = {
            "tenant_id": TENANT,
            "interaction_id": LABEL + guess.label,
            "agent_id": target,
            "reason": self._reason(),
        }
        if random.random() < 0.2:
            name["place_id"] = random.choice([f"place-{target}", "place-of-nobody"])
        if random.random() < 0.2:
            name["extension"] = {"operation": "please", "n": name["reason"].reason}
        invites: Request
        if client == ROUTER:
            invites = m.RequestDeliver(**name)
        elif random.random() < 0.5:
            invites = m.RequestTransfer(**name)
        else:
            mode = random.choice([*MODES, "Conference", "Conference", "Loud"])
            invites = m.RequestConference(**name, visibility_mode=mode)
        steps: list[Action] = [Ask(client, invites, (guess.label,))]
        desks = [each for each, agent in NAMES.items() if agent == target]
        if desks and random.random() < 0.85:
            answering = self._agents.at(target) or random.choice(desks)
            steps.append(self._upon(client, guess, answering, desks))
            if not isinstance(invites, m.RequestConference):
                guess.holders.discard(client)
        return steps

    def _upon(self, inviter: int, guess: Guess, client: int, desks: list[int]) -> Upon:
        """What happens once the invitation has come."""
        random = self._random
        after = random.choice([0.0, 0.0, 0.5, 1.5])
        accept, reject = (
            self._answer(kind, client, guess) for kind in (m.RequestAccept, m.RequestReject)
        )
        match random.randrange(16):
            case 0 | 1 | 2:
                return Upon(client, guess.label, (reject,), after)
            case 3:
                stop = m.RequestStopProcessing(
                    tenant_id=TENANT, interaction_id=LABEL + guess.label, reason=self._reason()
                )
                guess.stopped = True
                stops = Ask(random.choice([MAIL, inviter]), stop, (guess.label,))
                return Upon(client, guess.label, (stops, accept), after)
            case 4:
                leaves = m.RequestLeaveInteraction(
                    tenant_id=TENANT, interaction_id=LABEL + guess.label, reason=self._reason()
                )
                return Upon(
                    client, guess.label, (Ask(inviter, leaves, (guess.label,)), accept), 0.5
                )
            case 5 if len(desks) > 1:
                # The other connection of the agent may hear of it a little later.
                others = [self._answer(m.RequestAccept, each, guess) for each in desks]
                guess.holders.add(desks[0])
                return Upon(client, guess.label, tuple(others), 0.5)
            case 6:
                return Upon(client, guess.label, (self._agents.ask(client), accept), 0.5)
            case 7:
                return Upon(client, guess.label, (accept, reject), after)
            case 8:
                place = m.RequestPlaceInQueue(
                    tenant_id=TENANT,
                    interaction_id=LABEL + guess.label,
                    queue="Second",
                    reason=self._reason(),
                )
                guess.where = "Second"
                places = Ask(inviter, place, (guess.label,))
                return Upon(client, guess.label, (places, reject), 0.5)
        guess.holders.add(client)
        return Upon(client, guess.label, (accept,), after)

    def _answer(
        self, kind: type[m.RequestAccept | m.RequestReject], client: int, guess: Guess
    ) -> Ask:
        ticket = self._random.choice([THE_TICKET] * 6 + [0, NO_TICKET])
        request = kind(
            tenant_id=TENANT,
            interaction_id=LABEL + guess.label,
            ticket_id=ticket,
            reason=self._reason(),
        )
        return Ask(client, request, (guess.label,))
