"""What one agent's connections ask about the agent, in scripts: sessions, media, states."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ixproxy import messages as m
from ixproxy.messages.agents import AgentRequest
from ixproxy.messages.message import Reason
from ixproxy.testing.steps import TENANT, Ask

MEDIA = ("email", "chat", "task")
NAMES = {1: "anna", 2: "bert", 3: "carl", 4: "anna"}
"""Who logs in through which client."""


class AgentSteps:
    """
    Writes requests about agents, with a rough idea of who is logged in where.

    :param reason: gives each step its reason.
    :param one_by_one: no two of them are asked in one round.
    """

    def __init__(
        self, random: Random, reason: Callable[[], Reason], *, one_by_one: bool = False
    ) -> None:
        self._one_by_one = one_by_one
        self._random = random
        self._reason = reason
        self._logged_in: set[int] = set()

    def at(self, agent: str) -> int | None:
        """A client through which the agent is logged in, if there is one."""
        some = [client for client in sorted(self._logged_in) if NAMES[client] == agent]
        return self._random.choice(some) if some else None

    def gone(self, client: int) -> None:
        """A client is gone, with its agent."""
        self._logged_in.discard(client)

    def login(self, client: int) -> Ask:
        """The agent logs in, with some media."""
        random = self._random
        some = random.sample(MEDIA, random.randrange(4))
        self._logged_in.add(client)
        agent = NAMES[client]
        request = m.RequestAgentLogin(
            tenant_id=TENANT,
            agent_id=agent,
            place_id=f"place-{agent}" if random.random() < 0.95 else self._elsewhere(agent),
            media_list={name: random.randrange(2) for name in some},
            reason=self._reason(),
        )
        return Ask(client, request)

    def _elsewhere(self, agent: str) -> str:
        """Another place: where agents come one by one, perhaps another's."""
        return "elsewhere" if self._one_by_one else f"elsewhere-{agent}"

    def ask(self, client: int) -> Ask:
        """Anything that may be asked about an agent."""
        random = self._random
        if client not in self._logged_in and random.random() < 0.7:
            return self.login(client)
        who: dict[str, Any] = {
            "tenant_id": TENANT,
            "agent_id": NAMES[client],
            "reason": self._reason() if random.random() < 0.9 else None,
        }
        media: dict[str, Any] = {**who, "media_type_name": random.choice(MEDIA)}
        plain: tuple[type[AgentRequest], ...] = (
            m.RequestChangeAgentStateReason,
            m.RequestDoNotDisturbOn,
            m.RequestDoNotDisturbOff,
            m.RequestDoNotDisturbOff,
        )
        of_media: tuple[type[AgentRequest], ...] = (
            m.RequestAddMedia,
            m.RequestAddMedia,
            m.RequestRemoveMedia,
            m.RequestNotReadyForMedia,
            m.RequestCancelNotReadyForMedia,
            m.RequestCancelNotReadyForMedia,
            m.RequestChangeMediaStateReason,
        )
        match random.randrange(16):
            case 0 | 1:
                self._logged_in.discard(client)
                return Ask(client, m.RequestAgentLogout(**who))
            case 2:
                return self.login(client)
            case 3:
                several = {name: random.randrange(2) for name in random.sample(MEDIA, 2)}
                return Ask(client, m.RequestAgentAvailable(**who, media_list=several))
            case 4:
                return Ask(client, m.RequestAgentNotAvailable(**who))
            case 5 | 6 | 7 | 8:
                return Ask(client, random.choice(plain)(**who))
        return Ask(client, random.choice(of_media)(**media))
