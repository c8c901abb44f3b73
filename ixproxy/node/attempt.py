"""One transaction of one batch: run, and then either taken back or finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from math import inf

import msgspec

from ixproxy.errors import Code, RequestRefused, StorageError
from ixproxy.interfaces import IStore
from ixproxy.messages.agents import NO_SEAT
from ixproxy.node import idleness, pushing
from ixproxy.node.agent_sessions import end_by_node
from ixproxy.node.counters import Counters, set_back
from ixproxy.node.esp_reporting import answer_of
from ixproxy.node.esp_work import ServiceAnswered, ServiceCalled
from ixproxy.node.expiry import (
    AT_A_TIME,
    DOCUMENTS_AT_A_TIME,
    end_old_login,
    end_old_session,
    end_timer,
    expire_documents,
    expire_receipts,
    old_logins,
    old_sessions,
)
from ixproxy.node.intake_work import DocumentGiven, DocumentRefused, Shipment, ShipOutbox
from ixproxy.node.journal import Journal
from ixproxy.node.licences import without_seats
from ixproxy.node.load import Change, Load, available
from ixproxy.node.log_outbox import pack
from ixproxy.node.log_work import LogRefused, LogShipment, ShipLog
from ixproxy.node.logouts import due_logouts, report_logouts
from ixproxy.node.mandatory import check_logs, may_be_refused
from ixproxy.node.memory import Memory
from ixproxy.node.model import NodeModel, NodeSettings
from ixproxy.node.outbox_sizes import Outboxes
from ixproxy.node.requests import needs_of, perform
from ixproxy.node.snapshots import free_more
from ixproxy.node.spools import Spools
from ixproxy.node.turn import Identity, Turn
from ixproxy.node.work import (
    Announce,
    ClientsLost,
    ConnectionLost,
    Effect,
    Failure,
    GoesOn,
    Goodbye,
    Outcome,
    Refuse,
    Relayed,
    RouterReads,
    StreamEnded,
    Tick,
    Work,
)
from ixproxy.node.working_set import WorkingSet

RECEIPTS_EVERY = 60.0
"""Seconds between two looks for receipts that are too old."""


@dataclass(slots=True)
class Standing:
    """
    What outlasts a batch.

    :ivar first_timer: no timer of the store is due before; -inf: it must be asked.
    """

    store: IStore
    model: NodeModel
    settings: NodeSettings
    identity: Identity
    journal: Journal
    memory: Memory
    load: Load
    outboxes: Outboxes
    spools: Spools
    announced_at: float | None = None
    receipts_at: float | None = None
    first_timer: float = -inf


class Attempt:
    """
    One try of a batch. After `run`, call `finished` where the commit happened,
    `take_back` where it did not.
    """

    def __init__(
        self,
        standing: Standing,
        works: Sequence[Work],
        now: float,
        *,
        with_timers: bool,
        with_pushes: bool,
    ) -> None:
        self._standing = standing
        self._works = works
        self._now = now
        self._with_timers = with_timers
        self._with_pushes = with_pushes
        self._store = standing.store
        self._journal = standing.journal
        self._memory = standing.memory
        self._before: Counters = msgspec.structs.replace(standing.memory.counters)
        self._rows = WorkingSet(standing.store, standing.journal, standing.memory.routers)
        self._effects: list[Effect] = []
        self._failures: list[Failure] = []
        self._ticked = False
        self._expired_receipts = False

    def run(self) -> None:
        """
        :raise StorageError: it did not happen, or (CommitUncertain) nobody knows.
        """
        store, rows, counters = self._store, self._rows, self._memory.counters
        store.begin()
        at = self._standing
        at.spools.begin()
        turn = Turn(
            rows,
            self._memory,
            at.model,
            at.settings,
            at.identity,
            self._now,
            at.load,
            at.outboxes,
            at.spools,
        )
        if self._with_timers and at.first_timer <= self._now:
            at.first_timer = -inf
            self._run_due_timers(turn)
        rows.prefetch(*needs_of(self._works, at.settings.capture))
        for work in self._works:
            self._run_one(turn, work)
        if self._memory.routers.routers:
            pushing.wake(turn, rows.originals)
            if self._with_pushes and at.spools.full():
                self._memory.routers.not_before = self._now + pushing.AGAIN
            elif self._with_pushes:
                self._push(turn)
        self._effects += pack(turn)
        rows.write_out()
        raised = counters.event_number != self._before.event_number
        if rows.wrote or raised or self._expired_receipts:
            if not raised:
                # The mark must tell this batch from the one before.
                counters.event_number += 1
            store.commit(counters.event_number)
        else:
            store.rollback()

    def _run_due_timers(self, turn: Turn) -> None:
        more = True
        while more:
            turn.rows.begin_request()
            due = turn.rows.due_timers(turn.now, AT_A_TIME)
            ended = [self._did(turn, None, partial(end_timer, turn, timer)) for timer in due]
            # One that goes wrong stays due: it must not be met here again and again.
            more = len(due) == AT_A_TIME and all(ended)

    def _push(self, turn: Turn) -> None:
        """Push to routers what there is for them, as one view after another shows it."""
        share = pushing.Share()
        for view in pushing.wanting(turn):
            if not self._did(turn, None, partial(pushing.push, turn, view, share)):
                self._memory.routers.not_before = self._now + pushing.AGAIN
                return

    def _run_one(self, turn: Turn, work: Work) -> None:
        if type(work) is Tick:
            self._tick(turn)
        else:
            self._did(turn, work, partial(perform, turn, work))

    def _did(self, turn: Turn, work: Work | None, rule: Callable[[], Effect | None]) -> bool:
        """
        Run one rule as a request of its own: whole, or undone and refused.

        :param work: None for what ends by itself.
        :raise StorageError: the whole batch is of no more use.
        """
        turn.tells, turn.mistakes = [], []
        mark = turn.rows.begin_request()
        numbers = msgspec.structs.astuple(turn.counters)
        spools = turn.spools
        full = spools.full() if spools.mandatory and may_be_refused(work) else {}
        gathered = len(spools.gathered)
        try:
            effect = rule()
            if full:
                check_logs(turn, full, effect, gathered)
        except StorageError:
            raise
        except Exception as problem:
            self._journal.undo(mark)
            set_back(turn.counters, numbers)
            if work is not None and isinstance(problem, RequestRefused):
                if problem.code == Code.EVENT_LOG_FULL:
                    self._effects += starmap(LogRefused, full.items())
                self._effects += refused(work, problem.code, problem.description, problem.in_doubt)
            else:
                # A mistake of ours must cost one request, not the node.
                self._failures.append(Failure(work, problem))
                if work is not None:
                    self._effects += refused(work, Code.INTERNAL, "", False)
            return False
        if effect is not None:
            self._effects.append(effect)
        self._effects += turn.tells
        self._failures += (Failure(work, mistake) for mistake in turn.mistakes)
        return True

    def _tick(self, turn: Turn) -> None:
        standing = self._standing
        self._ticked = True
        if standing.receipts_at is None or self._now - standing.receipts_at >= RECEIPTS_EVERY:
            self._expire_receipts(turn)
        old = old_sessions(turn)
        for session in old:
            self._did(turn, None, partial(end_old_session, turn, session))
        for session in pushing.lost_routers(turn):
            self._did(turn, None, partial(pushing.take_from, turn, session))
        for row in old_logins(turn):
            self._did(turn, None, partial(end_old_login, turn, row))
        for row in without_seats(turn):
            self._did(turn, None, partial(end_by_node, turn, row, NO_SEAT))
        for row in idleness.idle_agents(turn):
            self._did(turn, None, partial(end_by_node, turn, row, idleness.IDLE))
        for snapshot_id in list(self._memory.snapshots.ending)[:1]:
            self._did(turn, None, partial(free_more, turn, snapshot_id))
        if len(old) < AT_A_TIME:
            # Else more of what was lost together ends at the next tick, which is at once.
            for rows in due_logouts(turn):
                self._did(turn, None, partial(report_logouts, turn, rows))

    def _expire_receipts(self, turn: Turn) -> None:
        receipts = expire_receipts(turn, self._store)
        documents = expire_documents(turn, self._store)
        self._expired_receipts = receipts + documents > 0
        # As many as come in a minute may be too old by now: then the next tick goes on.
        more = documents == DOCUMENTS_AT_A_TIME
        self._standing.receipts_at = self._now - RECEIPTS_EVERY if more else self._now

    def take_back(self) -> None:
        """Nothing of it happened."""
        self._journal.undo()
        idleness.taken_back(self._memory, self._now)
        set_back(self._memory.counters, msgspec.structs.astuple(self._before))
        self._store.rollback()

    def finished(self) -> Outcome:
        """It is durable: what is remembered stays, and effects may leave."""
        self._journal.forget()
        if self._rows.wrote_timers:
            self._standing.first_timer = -inf
        pullable: set[tuple[int, str]] = set()
        changes = []
        for id, before in self._rows.originals.items():
            after = self._rows.interaction(id)
            changes.append((before, after))
            if after is not None and after is not before and available(after):
                pullable.add((after.tenant_id, after.queue))
        try:
            self._note_load(changes)
        except Exception as problem:
            # The batch has happened, whatever the counts are.
            self._failures.append(Failure(None, problem))
        return Outcome(self._effects, frozenset(pullable), self._failures)

    def _note_load(self, changes: list[Change]) -> None:
        standing, load = self._standing, self._standing.load
        first = load.note(changes, self._now)
        if self._ticked:
            self._recount()
        paced = (
            standing.announced_at is None
            or self._now - standing.announced_at >= standing.settings.load_interval
        )
        if first or (load.changed and paced):
            number = self._memory.counters.event_number
            event = load.announcement(standing.identity, number, self._now)
            self._effects.insert(0, Announce(event, load.by_state()))
            standing.announced_at = self._now

    def _recount(self) -> None:
        """Count what time changed, as it is after the commit."""
        standing, store = self._standing, self._store
        if not standing.load.recount_due(self._now, standing.settings.default_view_freeze_interval):
            return
        store.begin()
        try:
            standing.load.recount(store, self._now)
        finally:
            store.rollback()


def refused(
    work: Work, code: int, description: str = "", in_doubt: bool | None = None
) -> list[Effect]:
    """The refusal of a piece of work, if it awaits an answer."""
    if isinstance(
        work, Tick | ConnectionLost | Relayed | StreamEnded | RouterReads | ServiceCalled
    ):
        return []
    if isinstance(work, ShipOutbox):
        return [Shipment(work.point, failed=True, token=work.token)]
    if isinstance(work, ShipLog):
        return [LogShipment(work.log, failed=True, token=work.token)]
    if isinstance(work, ServiceAnswered):
        # What the external server did is done: its caller hears of it all the same.
        return [answer_of(work)]
    if isinstance(work, Goodbye | ClientsLost) and work.token is None:
        return []
    if isinstance(work, GoesOn):
        if work.token is None:
            return []
        in_doubt = work.begun or in_doubt
    request = getattr(work, "message", None)
    refusal = RequestRefused(code, description, in_doubt=in_doubt)
    if isinstance(work, DocumentGiven):
        return [DocumentRefused(work.token, code, refusal.description, refusal.in_doubt)]
    return [
        Refuse(
            work.token,
            code,
            refusal.description,
            refusal.in_doubt,
            getattr(request, "interaction_id", ""),
        )
    ]
