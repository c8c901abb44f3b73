"""
Rules of snapshots: of what their clients are answered.

As in `rules`, a rule yields what breaks it; those of commits and at rest are in
`rules_of_locks`. What an answer says is held against every state that the ledger has of
the time between the request and its answer, for nobody knows when a node looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.interactions import SnapshotRequest
from ixproxy.node.rows import InteractionRow
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.simulation.snapshot_books import Books, Taken, parts_of
from ixproxy.testing.simulation.snapshot_ledger import OnNode, Seen
from ixproxy.values import InteractionState

WAITING = (InteractionState.QUEUED, InteractionState.CACHED)
ON_THE_WAY = frozenset(
    (
        Code.NO_SERVERS, Code.LOST_CONNECTION, Code.NOT_ACCESSIBLE, Code.BUSY, Code.EXPIRED,
        Code.CANCELLED, Code.SUPERSEDED, Code.NOT_REGISTERED, Code.STORE_FAILED,
        Code.STORE_UNCERTAIN, Code.STOPPING,
    )
)  # fmt: skip
"""What any request may be refused with that meets with trouble."""
_GONE = frozenset((Code.SNAPSHOT_NOT_ACCESSIBLE, Code.UNKNOWN_SNAPSHOT))
_OF_MEMBERS = frozenset(
    (*_GONE, Code.UNKNOWN_INTERACTION, Code.NOT_IN_SNAPSHOT, Code.MORE_THAN_ONE)
)
REFUSED: dict[type, frozenset[int]] = {
    m.RequestTakeSnapshot: frozenset((Code.TOO_MANY_SNAPSHOTS,)),
    m.RequestGetSnapshotInteractions: _GONE,
    m.RequestLockInteraction: _OF_MEMBERS | {Code.LOCKED, Code.NOT_QUEUED},
    m.RequestUnlockInteraction: _OF_MEMBERS,
    m.RequestMoveInteractions: _GONE,
    m.RequestStopInteractions: _GONE,
    m.RequestReleaseSnapshot: _GONE,
}
"""What each is refused with besides (doc/snapshots.md)."""


def refusals_of_snapshots_fit(run: Run, asked: Asked) -> Iterator[str]:
    """A request about a snapshot is refused with what the documents say, and nothing else."""
    outcome, fitting = asked.outcome, REFUSED.get(type(asked.request))
    if fitting is None or not isinstance(outcome, RequestRefused):
        return
    if outcome.code not in fitting | ON_THE_WAY:
        yield f"{asked.name} of #{asked.step} is refused with {outcome.code}"


def a_snapshot_is_as_it_was_found(run: Run, asked: Asked) -> Iterator[str]:
    """
    What the answer to a take counts stands in the nodes' tables, for this client's session; all
    of it met the condition, and what met it all the time was not left out (decision 0055).
    """
    outcome, request = asked.outcome, asked.request
    if not isinstance(outcome, m.EventSnapshotTaken):
        return
    assert isinstance(request, m.RequestTakeSnapshot)
    player, identifier = asked.player, outcome.snapshot_id
    parts = parts_of(run, player, identifier)
    size = outcome.number_of_interactions
    taken = Taken(player, identifier, asked, size, parts)
    books = run.kept(Books)
    if (player, identifier) in books.taken and not books.taken[player, identifier].releases:
        yield f"{player.name} is given the number {identifier} again"
    books.taken[player, identifier] = taken
    if parts is None:
        return
    what = f"snapshot {identifier} of {player.name}"
    if len(taken.ids) != size:
        yield f"{what} has {size} interactions, the nodes have {len(taken.ids)}"
    if len(set(taken.ids)) != len(taken.ids):
        yield f"{what} has an interaction twice"
    for part in parts:
        if part.session != player.session:
            yield f"{part} of {what} is of another session"
        yield from _members_fit(run, taken, part, what)


def _members_fit(run: Run, taken: Taken, part: OnNode, what: str) -> Iterator[str]:
    ledger, asked, request = run.ledger.snapshots, taken.asked, taken.take
    many = request.number_of_interactions
    if many and len(part.members) > many:
        yield f"{part} of {what} has {len(part.members)} members, not {many} at most"
    for identifier in part.members:
        states = ledger.since(identifier, part.node, asked.at)
        if not any(_meets(request, seen, part.number) for seen in states):
            yield f"{identifier} is in {what}, which it never met"
        # The commit in which it was locked may hold its end, too.
        there = states[-1].row is not None and not others_asked(run, asked, identifier)
        if request.lock and identifier not in part.locked and there:
            yield f"{identifier} is in {what}, and was not locked"
    if many:
        return
    for identifier, on in ledger.history.items():
        if part.node in on and identifier not in part.members:
            states = ledger.since(identifier, part.node, asked.at)
            if len(states) == 1 and states[0].at < asked.at and _meets(request, states[0]):
                yield f"{identifier} is not in {what}, and met it all the time"


def _meets(request: m.RequestTakeSnapshot, seen: Seen, number: int = 0) -> bool:
    """:param number: of the snapshot itself, whose own lock is none."""
    row = seen.row
    if row is None or not MEETS[request.condition](row):
        return False
    locked = seen.lock not in (0, number)
    if request.check_interactions_state and (
        row.state != InteractionState.QUEUED or row.is_held or locked
    ):
        return False
    return not request.lock or (row.state in WAITING and not locked)


MEETS: dict[str, Callable[[InteractionRow], bool]] = {
    "": lambda row: True,
    "Queue = 'In'": lambda row: row.queue == "In",
    "Queue = 'Second'": lambda row: row.queue == "Second",
    "[media_type] = 'chat'": lambda row: row.media_type == "chat",
}
"""What the conditions of `snapshots.CONDITIONS` mean."""


def others_asked(run: Run, asked: Asked, identifier: str) -> bool:
    """
    Whether something else was asked meanwhile that may have changed an interaction: it may be
    in the same commit, of which only the last state is written.
    """
    if run.answered_at.get(identifier, -1.0) >= asked.at:
        return True
    return any(
        other is not asked
        and other.answered_at >= asked.at
        and (
            getattr(other.request, "interaction_id", "") == identifier
            or isinstance(other.request, SnapshotRequest | m.RequestTakeSnapshot)
        )
        for other in run.asked
    )


def pages_are_as_taken(run: Run, asked: Asked) -> Iterator[str]:
    """
    A page has the positions that it was asked for, each id in its place, so that each comes once
    in all pages; what it names as gone is gone, and what it shows was there.
    """
    outcome, request = asked.outcome, asked.request
    if not isinstance(outcome, m.EventSnapshotInteractions):
        return
    assert isinstance(request, m.RequestGetSnapshotInteractions)
    taken = run.kept(Books).taken.get((asked.player, request.snapshot_id))
    if taken is None or taken.parts is None:
        return
    start, number = request.start_from, request.number_of_interactions
    end = start + number if number else taken.size
    expected = taken.ids[start:end]
    what = f"the page from {start} of snapshot {taken.id} of {asked.player.name}"
    shown = list(outcome.interactions)
    if sorted([*shown, *outcome.errors]) != sorted(expected):
        yield f"{what} has {shown} and {list(outcome.errors)}, not {expected}"
        return
    if shown != [each for each in expected if each in outcome.interactions]:
        yield f"{what} has {shown}, in another order than {expected}"
    if outcome.have_more != (end < taken.size):
        yield f"{what} says {outcome.have_more} of whether there are more"
    for identifier, part in taken.where.items():
        states = run.ledger.snapshots.since(identifier, part.node, asked.at)
        if identifier in outcome.errors:
            if outcome.errors[identifier] != Code.UNKNOWN_INTERACTION:
                yield f"{what} has {identifier} with {outcome.errors[identifier]}"
            if all(seen.row is not None for seen in states):
                yield f"{what} says that {identifier} is gone, and it is there"
        elif identifier in outcome.interactions and all(seen.row is None for seen in states):
            yield f"{what} shows {identifier}, and it is gone"


def a_snapshot_is_its_takers_alone(run: Run, asked: Asked) -> Iterator[str]:
    """Nobody else can do anything with a snapshot (decision 0024)."""
    request = asked.request
    if not isinstance(request, SnapshotRequest) or isinstance(asked.outcome, RequestRefused):
        return
    if (asked.player, request.snapshot_id) not in run.kept(Books).taken:
        yield f"{asked.player.name} has used snapshot {request.snapshot_id}, which it never took"


def what_is_locked_is_so(run: Run, asked: Asked) -> Iterator[str]:
    """Who is told that a member is locked, or is no longer, is told what was so meanwhile."""
    request = asked.request
    if not isinstance(request, m.RequestLockInteraction | m.RequestUnlockInteraction):
        return
    taken = run.kept(Books).taken.get((asked.player, request.snapshot_id))
    if not isinstance(asked.outcome, m.EventAck) or taken is None or taken.parts is None:
        return
    identifier = request.interaction_id
    part = taken.where.get(identifier)
    if part is None:
        yield f"{identifier} is locked or unlocked in #{asked.step}, and is no member"
        return
    locks = isinstance(request, m.RequestLockInteraction)
    states = run.ledger.snapshots.since(identifier, part.node, asked.at)
    if any((seen.lock == part.number) == locks for seen in states):
        return
    if not others_asked(run, asked, identifier):
        how = "locked" if locks else "unlocked"
        yield f"{identifier} is {how} by #{asked.step}, and is not"


def moves_and_stops_are_done(run: Run, asked: Asked) -> Iterator[str]:
    """
    What a move or a stop counts it has done, and what it names it has left alone, for the reason
    that it gives (decision 0055).
    """
    outcome, request = asked.outcome, asked.request
    if not isinstance(request, m.RequestMoveInteractions | m.RequestStopInteractions):
        return
    stops = isinstance(request, m.RequestStopInteractions)
    taken = run.kept(Books).taken.get((asked.player, request.snapshot_id))
    known = taken is not None and taken.parts is not None
    if isinstance(outcome, RequestRefused) or not known:
        if stops and (not isinstance(outcome, RequestRefused) or outcome.in_doubt):
            for identifier in _ever_members(run, asked):
                run.doubtful[identifier] = run.doubtful.get(identifier, 0) + 1
        return
    assert isinstance(outcome, m.EventInteractionMoved)
    assert taken is not None
    what = f"{asked.name} of #{asked.step}"
    done = taken.where.keys() - outcome.errors.keys()
    if outcome.errors.keys() - taken.where.keys():
        yield f"{what} names {sorted(outcome.errors)}, not all of them members"
    if outcome.number_of_interactions != len(done):
        yield f"{what} counts {outcome.number_of_interactions}, and leaves out all but {len(done)}"
    for identifier, part in taken.where.items():
        states = run.ledger.snapshots.since(identifier, part.node, asked.at)
        code = outcome.errors.get(identifier, 0)
        if code:
            if not any(_explains(code, identifier, seen, part) for seen in states):
                yield f"{what} names {identifier} with {code}, and it was as before: {states}"
        elif isinstance(request, m.RequestStopInteractions):
            yield from _ended_by(run, identifier, states, what)
        elif not (_was_in(request.queue, states) or others_asked(run, asked, identifier)):
            yield f"{what} has moved {identifier}, which was never in {request.queue}"


def _was_in(queue: str, states: Iterable[Seen]) -> bool:
    """Whether something was in a queue, or went: it may have been there in that commit."""
    return any(seen.row is None or seen.row.queue == queue for seen in states)


def _ever_members(run: Run, asked: Asked) -> set[str]:
    """All that a client has ever had in a snapshot."""
    snapshots = run.ledger.snapshots.of_session(asked.player.session)
    return {identifier for each in snapshots for identifier in each.members}


def _explains(code: int, identifier: str, seen: Seen, part: OnNode) -> bool:
    """Whether something is a reason not to move a member with this code."""
    if code == Code.UNKNOWN_INTERACTION:
        return seen.row is None
    if code == Code.LOCKED:
        return seen.lock not in (0, part.number)
    if code == Code.NOT_QUEUED:
        return seen.is_out
    return code == Code.CHANGED_SINCE and part.has_changed(identifier, seen)


def _ended_by(run: Run, identifier: str, states: list[Seen], what: str) -> Iterator[str]:
    if all(seen.row is not None for seen in states):
        yield f"{what} has stopped {identifier}, and it is there"
    if run.ledger.births[identifier] > 1 or identifier in run.ledger.owners:
        # There is another one of its name, or may have been.
        run.doubtful[identifier] = run.doubtful.get(identifier, 0) + 1
        return
    run.ended[identifier] = run.ended.get(identifier, 0) + 1
    if run.ended[identifier] > 1:
        yield f"{identifier} was ended {run.ended[identifier]} times"


def a_snapshot_stays_where_nothing_breaks(run: Run, asked: Asked) -> Iterator[str]:
    """In a calm world a snapshot ends when it is released, and not before; then it is gone."""
    request, outcome = asked.request, asked.outcome
    if not isinstance(request, SnapshotRequest):
        return
    taken = run.kept(Books).taken.get((asked.player, request.snapshot_id))
    if taken is None:
        return
    releases = isinstance(request, m.RequestReleaseSnapshot)
    if isinstance(outcome, RequestRefused):
        if releases and not outcome.in_doubt and outcome.code not in _GONE:
            # Who was refused that has it still.
            taken.releases = max(0, taken.releases - 1)
        if run.world.calm and outcome.code in _GONE and not taken.releases:
            yield f"snapshot {taken.id} of {asked.player.name} is gone, and was never released"
    elif releases and run.world.calm:
        for part in taken.parts or ():
            if part.state is not None:
                yield f"{part} is there, and #{asked.step} has released it"


def may_be_stopped(run: Run) -> set[str]:
    """What somebody has asked to stop as a snapshot, who did not live to hear the answer."""
    return {
        identifier
        for asked in run.open
        if isinstance(asked.request, m.RequestStopInteractions)
        for identifier in _ever_members(run, asked)
    }


ON_ANSWER: tuple[Callable[[Run, Asked], Iterable[str]], ...] = (
    refusals_of_snapshots_fit,
    a_snapshot_is_as_it_was_found,
    pages_are_as_taken,
    a_snapshot_is_its_takers_alone,
    what_is_locked_is_so,
    moves_and_stops_are_done,
    a_snapshot_stays_where_nothing_breaks,
)
