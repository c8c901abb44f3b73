"""One client of a chaos run: whatever it asks is in the history, and it never gives up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from twisted.internet.task import deferLater

from ixproxy import messages as m
from ixproxy.client import Backoff, Client, Settings, connect
from ixproxy.client.places import Endpoint
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Message, Request
from ixproxy.testing.chaos_deployment import TENANT
from ixproxy.testing.chaos_history import DONE, Asked, History

PATIENCE = 30.0
"""Seconds in which every request must be answered or refused."""

AGAIN_SECONDS = 0.2

SETTINGS = Settings(
    timeout=PATIENCE,
    settling_timeout=PATIENCE,
    attempt_timeout=2.0,
    rounds=100,
    max_in_flight=10_000,
    keep_alive_interval=0.5,
    keep_alive_limit=2.0,
    backoff=Backoff(first=0.1, most=1.0, spread=0.3),
)
"""Clients find a proxy that hangs within two seconds, and are at another one soon after."""


class Outcome(NamedTuple):
    """What came of a request: one of both."""

    answer: Any = None
    refusal: RequestRefused | None = None


class Asking:
    """
    One client.

    :param endpoints: of all proxies, the one that it begins with first.
    :ivar problems: why it gave up, if it did.
    """

    def __init__(self, reactor: Any, history: History, name: str, client: Client) -> None:
        self.reactor = reactor
        self.history = history
        self.name = name
        self.client = client
        self.problems: list[str] = []
        client.on_end(lambda problem: self.problems.append(f"{name} gave up: {problem}"))

    @classmethod
    async def come(
        cls,
        reactor: Any,
        history: History,
        endpoints: Sequence[Endpoint],
        name: str,
        client_type: str,
        **more: Any,
    ) -> Asking:
        """:raise ixproxy.errors.IxproxyError: nobody takes it."""
        client = await connect(
            reactor,
            endpoints,
            name=name,
            client_type=client_type,
            tenants=[TENANT],
            settings=SETTINGS,
            **more,
        )
        return cls(reactor, history, name, client)

    async def ask(self, request: Request) -> Outcome:
        """Ask once."""
        about = getattr(request, "interaction_id", "") or getattr(request, "agent_id", "")
        asked = self.history.asked(
            Asked(
                self.name,
                type(request).__name__,
                self.reactor.seconds(),
                PATIENCE,
                about,
                getattr(request, "submit_receipt", ""),
            )
        )
        try:
            answer = await self.client.request(request)
        except RequestRefused as refusal:
            self.history.answered(
                asked,
                self.reactor.seconds(),
                code=refusal.code,
                in_doubt=refusal.in_doubt,
                description=refusal.description,
            )
            return Outcome(refusal=refusal)
        self.history.answered(
            asked,
            self.reactor.seconds(),
            code=DONE,
            result=_named(answer),
            repeated=getattr(answer, "repeated", False),
        )
        return Outcome(answer)

    async def pause(self, seconds: float = AGAIN_SECONDS) -> None:
        """Let others go on."""
        await deferLater(self.reactor, seconds)


def _named(answer: Message) -> tuple[str, ...]:
    """The interactions that an answer names."""
    if isinstance(answer, m.EventPulledInteractions):
        return tuple(answer.take_numbers)
    identifier = getattr(answer, "interaction_id", "")
    return (identifier,) if identifier else ()
