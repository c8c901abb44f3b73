"""
What the clients of a chaos run do: media servers, routers, agents.

A document is handed in with a receipt, again and again until that is
acknowledged. An interaction that a client has in its hands gets one treatment,
drawn by chance; whatever comes of it, the client then asks for its end until
it does not have it any more. So nothing that lives is left behind, and what is
left is somebody's fault.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.messages.message import Message, Request
from ixproxy.testing.chaos_asking import AGAIN_SECONDS, Asking
from ixproxy.testing.chaos_deployment import INBOX, MEDIA, TENANT, WORK

AGENTS = ("anna", "bert", "carl", "dora")
RECEIPT = "Receipt"
"""The key of the user data by which an interaction is known again."""

AT_ONCE = 5
"""What a router pulls at a time; an agent pulls two."""

LIKELY_ACCEPTED = 0.9


class Shift:
    """
    What all workers of a run share.

    :param seen: told the receipt and the id of each interaction that a client takes.
    :ivar resting: nothing new is handed in.
    :ivar over: nobody does anything any more.
    :ivar broken: what must not happen in a worker's own code.
    """

    def __init__(self, random: Random, seen: Callable[[str, str], None]) -> None:
        self.random = random
        self.seen = seen
        self.resting = True
        self.over = False
        self.handed_in = 0
        self.open: set[str] = set()
        self.broken: list[Failure] = []
        self._works: set[Deferred[None]] = set()

    def run(self, work: Awaitable[None]) -> None:
        """Have something done beside everything else."""
        done: Deferred[None] = Deferred.fromCoroutine(work)  # type: ignore[arg-type]
        self._works.add(done)
        done.addErrback(self._broke).addBoth(lambda _: self._works.discard(done))

    async def end(self) -> None:
        """Nobody begins anything; wait until everybody has noticed."""
        self.over = True
        while self._works:
            await DeferredList(list(self._works))

    def _broke(self, failure: Failure) -> None:
        if not self.over:
            self.broken.append(failure)


class Worker:
    """Somebody who takes interactions and gets rid of them."""

    def __init__(self, asker: Asking, shift: Shift) -> None:
        self.asker = asker
        self.shift = shift
        self.treated: set[str] = set()

    def acts(self, identifier: str) -> Request:
        """What is tried first with an interaction in hand."""
        return _stop(identifier)

    async def pull(self, queue: str, number: int, **extension: Any) -> int:
        """Take some; how many there were."""
        request = m.RequestPull(
            tenant_id=TENANT,
            view_id=f"{queue}/All",
            number_of_interactions=number,
            extension=extension,
        )
        answer, _ = await self.asker.ask(request)
        if answer is None:
            return 0
        for identifier, properties in answer.interactions.items():
            receipt = properties.get("UserData", {}).get(RECEIPT)
            if receipt:
                self.shift.seen(receipt, identifier)
        return len(answer.interactions)

    def treat_all(self) -> None:
        """See that everything in hand is treated, however it came there."""
        for identifier in self.asker.client.holding:
            if identifier not in self.treated:
                self.treated.add(identifier)
                self.shift.run(self._treat(identifier))

    async def _treat(self, identifier: str) -> None:
        asker, shift = self.asker, self.shift
        await asker.ask(self.acts(identifier))
        while identifier in asker.client.holding and not shift.over:
            await asker.pause()
            if identifier in asker.client.holding and not shift.over:
                await asker.ask(_stop(identifier))
        self.treated.discard(identifier)


class Router(Worker):
    """Pulls for a strategy, and places, delivers, gives back or ends."""

    def acts(self, identifier: str) -> Request:
        """See `Worker`."""
        random, named = self.shift.random, _named(identifier)
        drawn = random.random()
        if drawn < 0.3:
            return m.RequestPlaceInQueue(queue=WORK, **named)
        if drawn < 0.6:
            return m.RequestDeliver(agent_id=random.choice(AGENTS), **named)
        if drawn < 0.7:
            return m.RequestLeaveInteraction(**named)
        return _stop(identifier)

    async def work(self) -> None:
        """As long as the shift lasts."""
        while not self.shift.over:
            taken = await self.pull(INBOX, AT_ONCE, **{"pull-for-strategy": 1})
            self.treat_all()
            await self.asker.pause(AGAIN_SECONDS / 4 if taken else AGAIN_SECONDS)


class Desk(Worker):
    """
    An agent: is logged in, accepts what it is asked, and pulls.

    :ivar logged_in: whether it believes so.
    """

    def __init__(self, asker: Asking, shift: Shift, agent: str) -> None:
        super().__init__(asker, shift)
        self.agent = agent
        self.logged_in = False
        asker.client.on_event(self._told)

    def acts(self, identifier: str) -> Request:
        """See `Worker`."""
        drawn = self.shift.random.random()
        if drawn < 0.2:
            return m.RequestPlaceInQueue(queue=WORK, **_named(identifier))
        if drawn < 0.4:
            return m.RequestChangeProperties(
                added_properties={"Seen": self.agent}, **_named(identifier)
            )
        return _stop(identifier)

    async def work(self) -> None:
        """As long as the shift lasts."""
        while not self.shift.over:
            if not self.logged_in:
                await self._log_in()
            await self.pull(WORK, 2)
            self.treat_all()
            await self.asker.pause(self.shift.random.uniform(0.5, 1.5) * AGAIN_SECONDS)

    async def _log_in(self) -> None:
        login = m.RequestAgentLogin(
            tenant_id=TENANT,
            agent_id=self.agent,
            place_id=f"place-{self.agent}",
            media_list={MEDIA: 1},
        )
        # A logout that is told while this is answered comes after it.
        self.logged_in = True
        if (await self.asker.ask(login)).refusal is not None:
            self.logged_in = False

    def _told(self, event: Message) -> None:
        if isinstance(event, m.EventInvite):
            self.shift.run(self._answer(event))
        elif (
            isinstance(event, m.EventForcedAgentStateChange)
            and event.agent_state_change_operation == "Logout"
        ):
            self.logged_in = False

    async def _answer(self, invite: m.EventInvite) -> None:
        random = self.shift.random
        accepted = random.random() < LIKELY_ACCEPTED
        await self.asker.pause(random.uniform(0.0, 0.3))
        named = {**_named(invite.interaction_id), "ticket_id": invite.ticket_id}
        await self.asker.ask(m.RequestAccept(**named) if accepted else m.RequestReject(**named))
        self.treat_all()


async def hand_in(media: Asking, shift: Shift, seconds: float) -> None:
    """
    Hand documents in, one after the other, as long as the shift lasts.

    :param seconds: between two of them, on average.
    """
    while not shift.over:
        await media.pause(shift.random.uniform(0.5, 1.5) * seconds)
        if not shift.resting and not shift.over:
            shift.handed_in += 1
            await _submit(media, shift, f"R{shift.handed_in}")


async def _submit(media: Asking, shift: Shift, receipt: str) -> None:
    request = m.RequestSubmit(
        tenant_id=TENANT,
        media_type=MEDIA,
        queue=INBOX,
        user_data={RECEIPT: receipt},
        submit_receipt=receipt,
    )
    shift.open.add(receipt)
    while not shift.over and (await media.ask(request)).refusal is not None:
        await media.pause()
    shift.open.discard(receipt)


def _named(identifier: str) -> dict[str, Any]:
    return {"tenant_id": TENANT, "interaction_id": identifier}


def _stop(identifier: str) -> Request:
    return m.RequestStopProcessing(**_named(identifier))
