"""Pushes at random: whatever routers, media servers and the clock do, the books are right."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from ixproxy.errors import RequestRefused, StorageError
from ixproxy.messages import (
    RequestChangeProperties,
    RequestHold,
    RequestLeaveInteraction,
    RequestPlaceInQueue,
    RequestResume,
    RequestRouteCall,
    RequestStopProcessing,
    RequestSubmit,
)
from ixproxy.node import pushing
from ixproxy.node.log_work import LogGrew
from ixproxy.node.work import (
    Answer,
    Asked,
    ConnectionLost,
    Goodbye,
    Registered,
    RouterReads,
    Sender,
)
from ixproxy.values import PartyType
from tests.node.pushed import PushingNode

QUEUES = ("In", "Urgent", "Old", "Each", "Second")
STRATEGIES = ("Mail", "Fast", "Late")
MOST_OF_ROUTER, MOST_OF_STRATEGY = 3, 7


class Play:
    """A node, and everybody who does something to it at random."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.node = PushingNode(
            default_max_submitted_per_router=MOST_OF_ROUTER,
            default_max_submitted_per_strategy=MOST_OF_STRATEGY,
            default_max_submission_rate=self.random.choice([None, None, 3.0]),
            agent_session_restore_timeout=20,
            routing_timeout=20,
        )
        self.mail = self.node.media_server()
        self.ids: list[str] = []
        self.routers: dict[str, Sender] = {}
        self.loaded: dict[str, tuple[str, ...]] = {}
        self.incarnation = 1
        self.there: set[str] = set()
        self.checked = 0

    def step(self) -> None:
        """One thing happens."""
        often = [self.submit, self.answer, self.answer, self.answer, self.meddle]
        seldom = [self.lose, self.leave, self.read, self.wait, self.restart]
        acts = [*often * 4, *[self.enter] * 3, *seldom]
        self.random.choice(acts)()

    def submit(self) -> None:
        more: dict[str, Any] = {
            "Priority": self.random.randrange(10),
            "Product": self.random.choice("AB"),
        }
        number = self.random.randrange(1, 6)
        self.ids += self.node.feed(self.mail, number, self.random.choice(QUEUES), user_data=more)

    def enter(self) -> None:
        name = f"urs-{self.random.randrange(4)}"
        self.incarnation += 1
        sender = self.routers.get(name) or Sender(
            name.encode().ljust(16, b"."), name, "RoutingEngine", frozenset({1})
        )
        self.routers[name] = sender
        known = self.node.store.fetch_by("parties", "session", [sender.session])
        listed = [row for row in known if self.random.random() < 0.8]
        holding = {row.interaction_id: row.take_number for row in listed}
        self.loaded[name] = tuple(self.random.sample(STRATEGIES, self.random.randrange(1, 4)))
        self.node.run(
            Registered(sender, self.incarnation, holding, "token", strategies=self.loaded[name])
        )
        self.there.add(name)

    def lose(self) -> None:
        self._gone(lambda router: ConnectionLost(router.session, self.random.random() < 0.8))

    def leave(self) -> None:
        self._gone(lambda router: Goodbye(router.session))

    def _gone(self, work: Any) -> None:
        if self.there:
            name = self.random.choice(sorted(self.there))
            self.there.discard(name)
            self.node.run(work(self.routers[name]))

    def read(self) -> None:
        if self.there:
            name = self.random.choice(sorted(self.there))
            self.node.run(RouterReads(self.routers[name].session, self.random.random() < 0.7))

    def wait(self) -> None:
        self.node.wait(self.random.choice([0.1, 1.0, 3.0, 30.0]))

    def restart(self) -> None:
        if self.random.random() < 0.3:
            self.node.restart()
            self.there.clear()

    def answer(self) -> None:
        """A router says something of what it has, or now and then of anything."""
        if not self.there or not self.ids:
            return
        router = self.routers[self.random.choice(sorted(self.there))]
        held = self.node.store.fetch_by("parties", "session", [router.session])
        own = sorted(row.interaction_id for row in held) if self.random.random() < 0.9 else []
        about: dict[str, Any] = {
            "tenant_id": 1,
            "interaction_id": self.random.choice(own or self.ids),
        }
        self._ask(
            router,
            self.random.choice(
                [
                    RequestRouteCall(route_type="Queue", queue="Second", **about),
                    RequestRouteCall(route_type="Queue", queue="In", **about),
                    RequestRouteCall(route_type="Stop", **about),
                    RequestPlaceInQueue(queue="Each", **about),
                    RequestLeaveInteraction(**about),
                    RequestChangeProperties(changed_properties={"Product": "C"}, **about),
                ]
            ),
        )

    def meddle(self) -> None:
        if not self.ids:
            return
        about: dict[str, Any] = {"tenant_id": 1, "interaction_id": self.random.choice(self.ids)}
        request = self.random.choice(
            [
                RequestHold(**about),
                RequestResume(**about),
                RequestStopProcessing(**about),
                RequestPlaceInQueue(queue=self.random.choice(QUEUES), **about),
            ]
        )
        self._ask(self.mail, request)

    def _ask(self, client: Sender, request: Any) -> None:
        with suppress(RequestRefused):
            self.node.ask(client, request)

    def check(self) -> None:
        """What is counted is what is stored; what may be pushed is."""
        routers = self.node.core._standing.memory.routers
        rows = self.node.store.fetch_by("parties", "party_type", [PartyType.ROUTER])
        assert routers.have == Counter(row.session for row in rows)
        assert routers.routed == Counter((row.tenant_id, row.strategy_id) for row in rows)
        assert all(number <= MOST_OF_ROUTER for number in routers.have.values())
        assert all(number <= MOST_OF_STRATEGY for number in routers.routed.values())
        assert routers.lost.keys() <= routers.have.keys()
        assert {self.routers[name].session for name in self.there} == set(routers.routers)
        for row in rows:
            assert self.node.kept(row.interaction_id).state == 2
            assert self.node.timer("routing", row.interaction_id) is not None

    def settle(self) -> None:
        """Let everything be pushed that can be, as the node itself says that it is due."""
        for _ in range(200):
            due = self.node.core.next_due()
            if due is None or due > self.node.now + 2:
                break
            self.node.wait(max(0.0, due - self.node.now))
        turn = self.node.turn()
        for view in self.node.model.views():
            if view.strategy and pushing.rooms(turn, view):
                # What the time brings is looked at every half minute.
                seen = self.node.now - (33 if view.strategy == "Late" else 0)
                found = self.node.store.select(view.selection(5), seen)
                assert [row.id for row in found] == []
                self.checked += 1


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_counts_are_those_of_the_rows_and_nothing_waits_in_vain(
    seed: int,
) -> None:
    play = Play(seed)
    for number in range(80):
        play.step()
        play.check()
        if number % 8 == 7:
            play.settle()
            play.check()
    play.node.discard()


def test_what_the_store_does_not_take_is_pushed_later_and_costs_no_request() -> None:
    node = PushingNode()
    router, mail = node.pushes_to(), node.media_server()
    node.store.poison = lambda item: getattr(item, "party_type", 0) == PartyType.ROUTER
    submit = RequestSubmit(tenant_id=1, media_type="email", queue="In")
    outcome = node.core.run([Asked(mail, submit, 0, "token")], node.now)
    kinds = [type(each) for each in outcome.effects if not hasattr(each, "event")]
    assert kinds == [Answer, LogGrew]
    assert [type(each.problem) for each in outcome.failures] == [StorageError]
    due = node.core.next_due()
    assert due == node.now + pushing.AGAIN
    node.store.poison = lambda item: False
    node.wait(pushing.AGAIN)
    assert len(node.pushed(router)) == 1
    node.discard()


def test_a_mistake_of_ours_in_a_push_costs_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    node = PushingNode()
    router, mail = node.pushes_to(), node.media_server()

    def broken(*_: object) -> None:
        raise ValueError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr(pushing, "dealt", broken)
        submit = RequestSubmit(tenant_id=1, media_type="email", queue="In")
        outcome = node.core.run([Asked(mail, submit, 0, "token")], node.now)
        assert [type(each.problem) for each in outcome.failures] == [ValueError]
    assert node.core.next_due() == node.now + pushing.AGAIN
    node.wait(pushing.AGAIN)
    assert len(node.pushed(router)) == 1
    node.discard()
