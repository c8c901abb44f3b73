"""
Batches: a list of work becomes one transaction, and effects once it is durable.

Theory of operation: `run` begins a transaction, runs the timers that are due,
then each piece of work in order, and commits. Nothing leaves before the
commit. A refused request is undone and costs the others nothing. Where the
store fails, the whole batch is taken back and its works are run one by one;
the one that fails again is answered with STORE_FAILED. Where a commit's
outcome is not known, the store is opened again and the number of the last
event that it has decides: a batch that writes always raises that number. If
it cannot be read, every answer is in doubt, and so is the lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from ixproxy.errors import Code, CommitUncertain, LeaseLost, StorageError
from ixproxy.interfaces import IStore
from ixproxy.node import pushing
from ixproxy.node.attempt import Attempt, Standing, refused
from ixproxy.node.expiry import next_ending
from ixproxy.node.invitations import OPERATIONS
from ixproxy.node.journal import Journal
from ixproxy.node.load import Load
from ixproxy.node.log_packs import Amount
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.node.outbox_sizes import Outboxes
from ixproxy.node.spools import Spools
from ixproxy.node.turn import Identity
from ixproxy.node.work import Effect, Failure, Outcome, Work
from ixproxy.values import ClientType, PartyType, SnapshotState


class People(NamedTuple):
    """
    How many are there.

    :ivar sessions: client sessions that are connected.
    :ivar lost: those that wait for their clients to come back.
    :ivar agents: agents that are logged in.
    """

    sessions: int = 0
    lost: int = 0
    agents: int = 0


UNCERTAIN_COMMITS = 3
"""How often a batch is run again because its commit turned out not to have happened."""


class NodeCore:
    """
    All that a node decides, over one store, in one thread.

    :param name: of the node, for statistics.
    :param dbid: stands in every id and event.
    """

    def __init__(
        self, store: IStore, model: NodeModel, settings: NodeSettings, name: str, dbid: int
    ) -> None:
        journal = Journal()
        self._standing = Standing(
            store,
            model,
            settings,
            Identity(name, dbid, 0),
            journal,
            Memory(journal),
            Load(),
            Outboxes(journal),
            Spools(journal),
        )

    @property
    def last_event_number(self) -> int:
        """The number of the last event of a finished batch."""
        return self._standing.memory.counters.event_number

    def logs_left_behind(self) -> Mapping[str, Amount]:
        """What waits for event logs that are configured no more, as of the last change."""
        return self._standing.spools.left_behind

    def people(self) -> People:
        """Who is there, after the last finished batch."""
        memory = self._standing.memory
        # Few are provisional, and for ten seconds at most: all others are logged in.
        only_provisional = {
            name for name, _ in memory.provisional if memory.logged_in(name) is None
        }
        return People(
            len(memory.sessions) - len(memory.lost),
            len(memory.lost),
            len(memory.agents) - len(only_provisional),
        )

    def start(self, now: float) -> int:
        """
        Open the store, which begins a lease, and remember what it has.

        :return: the lease epoch.
        :raise StorageError: it cannot be opened.
        """
        at, store = self._standing, self._standing.store
        epoch = store.open(now)
        at.identity = at.identity._replace(epoch=epoch)
        self._prepare_views()
        counters = at.memory.counters
        counters.event_number = store.last_event_number()
        counters.queue_seq = store.last_queue_seq()
        store.begin()
        try:
            types = [each.value for each in ClientType]
            sessions = store.fetch_by("sessions", "client_type", types)
            agents = store.fetch_by("agents", "confirmed", [0, 1])
            logouts = store.fetch_by("logouts", "lasting", [0, 1])
            invitations = store.fetch_by("invitations", "operation", OPERATIONS)
            snapshots = store.fetch_by("snapshots", "state", list(SnapshotState))
            pushed = store.fetch_by("parties", "party_type", [PartyType.ROUTER])
            at.memory.load(sessions, agents, now, logouts, invitations, snapshots, pushed)
            at.load.count(store, at.model, now)
            at.outboxes.use(store, at.settings.capture)
            at.spools.use(store, at.settings.logs)
        finally:
            store.rollback()
        return epoch

    def configuration_changed(self, model: NodeModel, settings: NodeSettings, now: float) -> None:
        """
        Go on with another model and other settings.

        :raise StorageError: the views could not be prepared; the old ones stand.
        """
        at = self._standing
        old = at.model, at.settings
        at.model, at.settings = model, settings
        try:
            self._prepare_views()
            at.store.begin()
            try:
                at.load.use(at.store, model, now)
                at.outboxes.use(at.store, settings.capture)
                at.spools.use(at.store, settings.logs)
            finally:
                at.store.rollback()
        except StorageError:
            at.model, at.settings = old
            raise
        pushing.configuration_changed(at.memory, model)
        if at.memory.idle_due is not None:
            # Agents may be idle for too long sooner than it was thought.
            at.memory.idle_due = now

    def next_due(self) -> float | None:
        """When a batch, be it a tick alone, has something to do; None: only with work."""
        at = self._standing
        if at.first_timer == -inf:
            due = at.store.next_due()
            at.first_timer = inf if due is None else due
        first = None if at.first_timer == inf else at.first_timer
        ends = [
            first,
            next_ending(at.memory, at.settings),
            pushing.next_push(at.memory, at.model, at.settings),
        ]
        if at.load.changed and at.announced_at is not None:
            ends.append(at.announced_at + at.settings.load_interval)
        return min((end for end in ends if end is not None), default=None)

    def run(self, works: Sequence[Work], now: float) -> Outcome:
        """
        Run one batch.

        :param now: seconds since the epoch, UTC.
        """
        try:
            return self._certain(works, now, with_timers=True, with_pushes=True)
        except StorageError as problem:
            if isinstance(problem, LeaseLost):
                return _lost(works, Code.STORE_FAILED, problem)
            return self._one_by_one(works, now)

    def _one_by_one(self, works: Sequence[Work], now: float) -> Outcome:
        """Find what the store fails on: the timers, which piece of work, or what is pushed."""
        effects: list[Effect] = []
        failures: list[Failure] = []
        pullable: set[tuple[int, str]] = set()
        parts: list[Sequence[Work]] = [(), *((work,) for work in works), ()]
        for number, part in enumerate(parts):
            first, last = not number, number == len(parts) - 1
            try:
                outcome = self._certain(part, now, with_timers=first, with_pushes=last)
            except StorageError as problem:
                if last:
                    self._standing.memory.routers.not_before = now + pushing.AGAIN
                if isinstance(problem, LeaseLost):
                    outcome = _lost(part, Code.STORE_FAILED, problem)
                else:
                    refusals = [each for work in part for each in refused(work, Code.STORE_FAILED)]
                    failure = Failure(part[0] if part else None, problem)
                    outcome = Outcome(refusals, failures=[failure])
            effects.extend(outcome.effects)
            failures.extend(outcome.failures)
            pullable.update(outcome.pullable)
            if outcome.store_lost:
                for later in parts[number + 1 :]:
                    for work in later:
                        effects.extend(refused(work, Code.STORE_FAILED))
                return Outcome(effects, frozenset(pullable), failures, store_lost=True)
        return Outcome(effects, frozenset(pullable), failures)

    def _certain(
        self, works: Sequence[Work], now: float, *, with_timers: bool, with_pushes: bool
    ) -> Outcome:
        """
        Run a batch until it is known whether it happened.

        :raise StorageError: it did not happen.
        """
        problem: CommitUncertain | None = None
        for _ in range(UNCERTAIN_COMMITS):
            attempt = Attempt(
                self._standing, works, now, with_timers=with_timers, with_pushes=with_pushes
            )
            try:
                attempt.run()
                return attempt.finished()
            except CommitUncertain as uncertain:
                problem = uncertain
                number = self._standing.memory.counters.event_number
                try:
                    mark = self._standing.store.reopen()
                except StorageError as lost:
                    attempt.take_back()
                    return _lost(works, Code.STORE_UNCERTAIN, lost)
                if mark == number:
                    return attempt.finished()
                attempt.take_back()
            except BaseException:
                attempt.take_back()
                raise
        raise StorageError(f"the commit of a batch failed {UNCERTAIN_COMMITS} times") from problem

    def _prepare_views(self) -> None:
        views = self._standing.model.views()
        self._standing.store.prepare_views(
            [(f"{view.tenant_id}/{view.name}", view.selection()) for view in views]
        )


def _lost(works: Sequence[Work], code: int, problem: StorageError) -> Outcome:
    """The outcome of a batch after which the node must give up its lease."""
    refusals = [each for work in works for each in refused(work, code)]
    return Outcome(refusals, failures=[Failure(None, problem)], store_lost=True)
