"""
Rules of who hears of workbins, and of events of one's own.

As in `rules`, a rule yields what breaks it. What a client may hear, and what it must, follows
from what it asked and was answered: one whose answer is in doubt may listen, or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages.message import Message, Workbin
from ixproxy.testing.simulation.players import Asked, Player
from ixproxy.testing.simulation.run import Run
from ixproxy.wire.streams import BEGIN
from ixproxy.wire.workbins import Wishes, wishes_of

Change = tuple[str, str, int, int]
"""Interaction, operation, and the number of the event with the database that gave it."""

_STREAMS = (
    m.RequestStartPlaceAgentStateReportingAll
    | m.RequestStartPlaceAgentStateReporting
    | m.RequestStopPlaceAgentStateReportingAll
    | m.RequestStopPlaceAgentStateReporting
)
SETTLES = 0.5
"""Seconds after which, where nothing breaks, everybody has been told."""


class Heard:
    """
    What clients of a run have heard.

    :ivar changes: of workbins, by client, in the order in which they came.
    :ivar own: by client and stream the own events of clients, by their marks.
    :ivar begun: when the stream of a client began that it asked for last.
    :ivar due: in a calm world who must hear what: streams that were whole when it was asked.
    """

    def __init__(self) -> None:
        self.changes: dict[Player, list[tuple[Workbin | None, Change]]] = {}
        self.own: dict[tuple[Player, int], list[str]] = {}
        self.begun: dict[Player, float] = {}
        self.due: list[tuple[float, Asked, Player, int]] = []


def _listening(run: Run, player: Player, workbin: Workbin | None) -> Iterator[Asked]:
    """What a client has asked about listening to a workbin."""
    kinds = m.RequestWorkbinNotifications | m.RequestWorkbinCancelNotifications
    for asked in run.asked:
        request = asked.request
        if asked.player is player and isinstance(request, kinds) and request.workbin == workbin:
            yield asked


def may_hear(run: Run, player: Player, workbin: Workbin | None) -> list[Wishes]:
    """With what wishes a client may listen to a workbin; several where that is in doubt."""
    wishes: list[Wishes] = []
    for asked in _listening(run, player, workbin):
        outcome = asked.outcome
        if isinstance(asked.request, m.RequestWorkbinNotifications):
            if isinstance(outcome, RequestRefused) and not outcome.in_doubt:
                continue
            if isinstance(outcome, m.EventAck):
                wishes.clear()
            wishes.append(wishes_of(asked.request))
        elif isinstance(outcome, m.EventAck):
            wishes.clear()
    return wishes


def must_hear(run: Run, player: Player, workbin: Workbin) -> Wishes | None:
    """With what wishes a client listens for sure; None: it does not, or that is in doubt."""
    wishes: Wishes | None = None
    for asked in _listening(run, player, workbin):
        outcome = asked.outcome
        if isinstance(outcome, RequestRefused) and not outcome.in_doubt:
            continue
        begins = isinstance(asked.request, m.RequestWorkbinNotifications)
        wishes = None
        if begins and isinstance(outcome, m.EventAck):
            wishes = wishes_of(asked.request)  # type: ignore[arg-type]
    return wishes


def nobody_hears_of_workbins_unasked(run: Run, player: Player, event: Message) -> Iterator[str]:
    """Only who listens hears of a workbin, and only what it wished for (decision 0058)."""
    if not isinstance(event, m.EventWorkbinContentChanged):
        return
    operation = event.workbin_content_operation
    wishes = may_hear(run, player, event.workbin)
    if not any(each.accept(operation) for each in wishes):
        yield (
            f"{player.name} hears {operation} of {event.interaction_id} in {event.workbin}, "
            f"and wishes for {wishes}"
        )


def each_change_is_heard_once(run: Run, player: Player, event: Message) -> Iterator[str]:
    """A change of a workbin comes to nobody twice (decision 0025)."""
    if not isinstance(event, m.EventWorkbinContentChanged):
        return
    change = (
        event.interaction_id,
        event.workbin_content_operation,
        event.event_number,
        event.dbid,
    )
    heard = run.kept(Heard).changes.setdefault(player, [])
    if (event.workbin, change) in heard:
        yield f"{player.name} hears twice of {change}"
    heard.append((event.workbin, change))


def who_listens_is_known_to(run: Run, asked: Asked) -> Iterator[str]:
    """Who listens for sure can end it: it is restored with every connection (doc/workbins.md)."""
    request, outcome = asked.request, asked.outcome
    if not isinstance(request, m.RequestWorkbinCancelNotifications):
        return
    refused = isinstance(outcome, RequestRefused) and outcome.code == Code.NOT_SUBSCRIBED
    if refused and must_hear(run, asked.player, request.workbin) is not None:
        yield f"{asked.player.name} listens to {request.workbin}, and is told that it does not"


def statistics_add_up(run: Run, asked: Asked) -> Iterator[str]:
    """What is in a workbin is there, or with agents, or with strategies (doc/workbins.md)."""
    outcome = asked.outcome
    if isinstance(outcome, m.EventAgentWorkbinStats):
        numbers = outcome.statistics
        parts = [numbers.get(name, 0) for name in ("InWorkbin", "Handling", "Routing")]
        if numbers.get("Total", 0) != sum(parts):
            yield f"{asked.name} of #{asked.step} is answered {numbers}"
        held = [count for name, count in numbers.items() if name.startswith("HeldBy.")]
        if sum(held) != numbers.get("Handling", 0):
            yield f"{asked.name} of #{asked.step} is answered {numbers}"


def mark_of(event: dict[str, object]) -> str:
    """By which mark an own event is known."""
    return next(iter(event), "")


def own_events_are_heard_once(run: Run, player: Player, event: Message) -> Iterator[str]:
    """
    What a client distributes comes once at most into a stream, and never what was refused as
    not done (decision 0058).
    """
    if not isinstance(event, m.EventCustomReporting):
        return
    run.history.add(run.now(), 0, "{} hears {}", player.name, event)
    mark = mark_of(event.event)
    if player.watch is not None:
        heard = run.kept(Heard).own.setdefault((player, player.watch.streams), [])
        if mark in heard:
            yield f"{player.name} hears {mark} twice in one stream"
        heard.append(mark)
    if (why := run.ledger.forbidden.get(mark)) is not None:
        yield f"{player.name} hears {mark}, but {why}"


def who_is_refused_has_distributed_nothing(run: Run, asked: Asked) -> Iterator[str]:
    """An own event that was refused, nothing done, is heard by nobody (design 6, codes)."""
    mark, outcome = own_mark(asked), asked.outcome
    if not mark or not isinstance(outcome, RequestRefused) or outcome.in_doubt:
        return
    why = f"#{asked.step} was refused with {outcome.code}, nothing done"
    run.ledger.forbidden[mark] = why
    for (player, _), marks in run.kept(Heard).own.items():
        if mark in marks:
            yield f"{player.name} has heard {mark}, but {why}"


def own_mark(asked: Asked) -> str:
    """The mark of the own event that was asked to be distributed; empty: it was none."""
    request = asked.request
    if isinstance(request, m.RequestDistributeEvent | m.RequestDistributeReportingEvent):
        return mark_of(request.event)
    return ""


def who_reads(run: Run) -> list[Player]:
    """Those whose streams run and leave out nothing."""
    return [
        player
        for player in run.there("stat")
        if player.watch is not None
        and player.watch.whole
        and player.reads
        and not player.narrow
        and player.here.connected
    ]


def what_is_distributed_is_to_be_heard(run: Run, asked: Asked) -> Iterator[str]:
    """In a calm world notes who has to hear of it: see the next rule."""
    if own_mark(asked) and run.world.calm and isinstance(asked.outcome, m.EventAck):
        for player in who_reads(run):
            assert player.watch is not None
            begun = run.kept(Heard).begun.get(player, asked.at)
            if player.since <= begun < asked.at and not _began(run, player, asked.at):
                streams = player.watch.streams
                run.kept(Heard).due.append((run.now() + SETTLES, asked, player, streams))
    yield from ()


def streams_begin(run: Run, player: Player, event: Message) -> Iterator[str]:
    """Notes since when a client has its stream, which is granted before (decision 0015)."""
    if isinstance(event, m.EventActivityReport) and event.activity == BEGIN:
        run.kept(Heard).begun[player] = run.now()
    yield from ()


def streams_are_granted(run: Run, asked: Asked) -> Iterator[str]:
    """Notes that a client's stream is over; the next begins when it can (decision 0015)."""
    if isinstance(asked.request, _STREAMS) and isinstance(asked.outcome, m.EventAck):
        run.kept(Heard).begun.pop(asked.player, None)
    yield from ()


def _began(run: Run, player: Player, at: float) -> bool:
    """Whether a client has asked since for a stream, which may have begun anew meanwhile."""
    return any(other.player is player and other.answered_at >= at for other in run.asked)


def what_is_distributed_is_heard(run: Run) -> Iterator[str]:
    """In a calm world an own event that was acknowledged comes into every whole stream."""
    heard = run.kept(Heard)
    due = [each for each in heard.due if each[0] <= run.now()]
    heard.due = [each for each in heard.due if each[0] > run.now()]
    readers = who_reads(run)
    for _, asked, player, streams in due:
        whole = player in readers and player.watch is not None
        if not whole or player.watch.streams != streams:  # type: ignore[union-attr]
            continue
        if own_mark(asked) not in heard.own.get((player, streams), ()):
            yield f"{player.name} has never heard what #{asked.step} distributed"


ON_ANSWER: tuple[Callable[[Run, Asked], Iterable[str]], ...] = (
    who_listens_is_known_to,
    statistics_add_up,
    who_is_refused_has_distributed_nothing,
    streams_are_granted,
    what_is_distributed_is_to_be_heard,
)
ON_EVENT: tuple[Callable[[Run, Player, Message], Iterable[str]], ...] = (
    nobody_hears_of_workbins_unasked,
    each_change_is_heard_once,
    own_events_are_heard_once,
    streams_begin,
)
AFTER_EACH_STEP: tuple[Callable[[Run], Iterable[str]], ...] = (what_is_distributed_is_heard,)
