"""
What every strategy and merge policy must keep, as tests to be inherited.

In your own test suite, derive a class whose name begins with `Test`, and say
in `make` how to build yours:

    class TestNearest(RoutingStrategyContract):
        def make(self) -> IRoutingStrategy:
            return Nearest()
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any

import msgspec
from zope.interface.verify import verifyObject

from ixproxy.errors import ERRORS
from ixproxy.interfaces import Gathered, IMergePolicy, IPullStrategy, IRoutingStrategy, Merged
from ixproxy.values import Ask, Draft, NodeLoad, NodeName, NodeView, PullAttributes

NAMES = tuple(NodeName(name) for name in ("east", "north", "south", "west"))
MEDIA_TYPES = ("chat", "email", "fax")
VIEWS = ("Inbound/All", "Inbound/Urgent")
STEPS = 300


def node_views(random: Random) -> list[NodeView]:
    """Some of four nodes, at least one, in name order, with chance media types and load."""
    chosen = random.sample(NAMES, random.randint(1, len(NAMES)))
    return [
        NodeView(
            name=name,
            dbid=101 + NAMES.index(name),
            media_types=random.choice((None, frozenset(MEDIA_TYPES), frozenset({"email"}))),
            load=NodeLoad(
                queues={"Inbound": random.randint(0, 9)},
                views={view: random.randint(0, 9) for view in VIEWS},
                media_types=frozenset(MEDIA_TYPES),
            ),
        )
        for name in sorted(chosen)
    ]


def drafts(seed: int) -> Iterator[tuple[Draft, list[NodeView]]]:
    """A history of submissions; the same seed gives the same one."""
    random = Random(seed)
    for number in range(STEPS):
        yield (
            Draft(
                tenant_id=random.randint(1, 2),
                media_type=random.choice(MEDIA_TYPES),
                queue="Inbound",
                interaction_id=random.choice(("", f"own-{number}")),
                submitted_by="mail-1",
                receipt=random.random() < 0.2,
            ),
            node_views(random),
        )


def pulls(seed: int) -> Iterator[tuple[PullAttributes, list[NodeView]]]:
    """A history of pulls; the same seed gives the same one."""
    random = Random(seed)
    for _ in range(STEPS):
        yield (
            PullAttributes(
                tenant_id=random.randint(1, 2),
                view=random.choice(VIEWS),
                limit=random.randint(1, 20),
                for_strategy=random.random() < 0.5,
                budget=random.uniform(0.1, 30),
            ),
            node_views(random),
        )


class RoutingStrategyContract:
    """What an IRoutingStrategy keeps."""

    def make(self) -> IRoutingStrategy:
        """A fresh strategy with the settings that are to be tested."""
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        assert verifyObject(IRoutingStrategy, self.make())

    def test_it_names_only_nodes_it_was_given_and_each_once(self) -> None:
        strategy = self.make()
        for draft, nodes in drafts(1):
            ranked = strategy.rank(draft, nodes)
            _are_names(ranked, nodes)

    def test_the_same_history_gives_the_same_ranks(self) -> None:
        once, again = self.make(), self.make()
        for (draft, nodes), (same_draft, same_nodes) in zip(drafts(2), drafts(2), strict=True):
            assert list(once.rank(draft, nodes)) == list(again.rank(same_draft, same_nodes))

    def test_it_leaves_its_arguments_as_they_are(self) -> None:
        strategy = self.make()
        for draft, nodes in drafts(3):
            before = deepcopy((draft, nodes))
            strategy.rank(draft, nodes)
            assert (draft, nodes) == before

    def test_it_takes_any_sequence_of_nodes(self) -> None:
        once, again = self.make(), self.make()
        for draft, nodes in drafts(4):
            assert list(once.rank(draft, nodes)) == list(again.rank(draft, tuple(nodes)))


class PullStrategyContract:
    """What an IPullStrategy keeps."""

    def make(self) -> IPullStrategy:
        """A fresh strategy with the settings that are to be tested."""
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        assert verifyObject(IPullStrategy, self.make())

    def test_it_asks_only_nodes_it_was_given_and_each_once(self) -> None:
        strategy = self.make()
        for pull, nodes in pulls(1):
            steps = strategy.order(pull, nodes)
            assert all(isinstance(step, Ask) for step in steps)
            _are_names([step.node for step in steps], nodes)

    def test_holds_are_seconds_and_never_negative(self) -> None:
        strategy = self.make()
        for pull, nodes in pulls(2):
            for step in strategy.order(pull, nodes):
                assert isinstance(step.hold, int | float)
                assert step.hold >= 0

    def test_the_same_history_gives_the_same_plans(self) -> None:
        once, again = self.make(), self.make()
        for (pull, nodes), (same_pull, same_nodes) in zip(pulls(3), pulls(3), strict=True):
            assert list(once.order(pull, nodes)) == list(again.order(same_pull, same_nodes))

    def test_it_leaves_its_arguments_as_they_are(self) -> None:
        strategy = self.make()
        for pull, nodes in pulls(4):
            before = deepcopy((pull, nodes))
            strategy.order(pull, nodes)
            assert (pull, nodes) == before


class MergePolicyContract:
    """What an IMergePolicy keeps."""

    def make(self) -> IMergePolicy:
        """The policy with the settings that are to be tested."""
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        assert verifyObject(IMergePolicy, self.make())

    def test_it_uses_only_answers_that_came_and_each_once(self) -> None:
        policy = self.make()
        for gathered in fan_outs(1):
            merged = policy.merge(gathered)
            assert isinstance(merged, Merged)
            assert len(set(merged.nodes)) == len(merged.nodes)
            assert set(merged.nodes) <= gathered.answers.keys()

    def test_an_error_has_a_public_code_and_uses_no_answers(self) -> None:
        policy = self.make()
        for gathered in fan_outs(2):
            merged = policy.merge(gathered)
            if merged.refused_by is not None:
                assert merged.code == gathered.refusals[merged.refused_by]
            elif merged.code:
                assert merged.code in ERRORS
            if merged.code:
                assert not merged.nodes

    def test_what_is_missing_never_passes_for_whole(self) -> None:
        policy = self.make()
        for gathered in fan_outs(3):
            merged = policy.merge(gathered)
            if gathered.lost or gathered.absent:
                assert merged.code or merged.partial

    def test_it_does_not_answer_nothing_for_whole_when_all_refused(self) -> None:
        policy = self.make()
        for gathered in fan_outs(4):
            if gathered.refusals and not gathered.answers:
                assert policy.merge(gathered).code

    def test_settled_says_yes_or_no_at_every_step(self) -> None:
        policy = self.make()
        for gathered in fan_outs(5):
            assert policy.settled(gathered) in (True, False)

    def test_it_keeps_no_memory_of_a_fan_out(self) -> None:
        used = self.make()
        for gathered, same in zip(fan_outs(6), fan_outs(6), strict=True):
            fresh = self.make()
            assert used.settled(gathered) == fresh.settled(same)
            if not gathered.awaited:
                assert used.merge(gathered) == fresh.merge(same)

    def test_it_leaves_its_argument_as_it_is(self) -> None:
        policy = self.make()
        for gathered in fan_outs(7):
            before = _copy(gathered)
            policy.settled(gathered)
            policy.merge(gathered)
            assert gathered == before


_ANSWERS: tuple[dict[str, Any], ...] = (
    {},
    {"Interactions": {}},
    {"Interactions": msgspec.Raw(b"\x80")},
    {"Interactions": msgspec.Raw(msgspec.msgpack.encode({"id-1": {"Queue": "Q1"}}))},
    {"Interactions": {"id-2": {"Queue": "Q1"}}, "HaveMore": True},
)


def fan_outs(seed: int) -> Iterator[Gathered]:
    """Fan-outs at all stages, with every sort of outcome; the same seed gives the same ones."""
    random = Random(seed)
    for _ in range(STEPS):
        gathered = Gathered()
        for name in random.sample(NAMES, random.randint(1, len(NAMES))):
            match random.choice(("awaited", "answer", "answer", "refusal", "lost", "absent")):
                case "awaited":
                    gathered.awaited.add(name)
                case "answer":
                    gathered.answers[name] = random.choice(_ANSWERS)
                case "refusal":
                    gathered.refusals[name] = random.choice((43, 2003, 3000, 23080))
                case "lost":
                    gathered.lost.add(name)
                case _:
                    gathered.absent.add(name)
        yield gathered


def _copy(gathered: Gathered) -> Gathered:
    # msgspec.Raw cannot be copied deeply; the maps that hold it can be.
    return Gathered(
        awaited=set(gathered.awaited),
        answers={name: dict(answer) for name, answer in gathered.answers.items()},
        refusals=dict(gathered.refusals),
        lost=set(gathered.lost),
        absent=set(gathered.absent),
    )


def _are_names(ranked: Sequence[NodeName], nodes: Sequence[NodeView]) -> None:
    assert all(isinstance(name, str) for name in ranked)
    assert len(set(ranked)) == len(ranked)
    assert set(ranked) <= {node.name for node in nodes}
