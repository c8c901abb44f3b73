"""
The rules that are asked while a simulation runs: of each answer, and after each step.

A rule is a function that yields what breaks it; its name is told. Those of
commits are in `ledger`, for they are asked by the stores: `epochs_rise`,
`only_the_newest_lease_writes`, `events_are_numbered_upwards`,
`each_interaction_comes_once`, `a_submit_makes_one_interaction`,
`a_change_is_made_once` and `what_was_refused_is_not_done`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ixproxy import messages as m
from ixproxy.errors import ERRORS, RequestRefused
from ixproxy.testing.simulation import rules_of_snapshots, rules_of_workbins
from ixproxy.testing.simulation.players import Asked, ends
from ixproxy.testing.simulation.rules_of_calls import (
    a_call_is_answered_by_whom_it_was_for,
    pings_are_refused_by_proxies,
    what_is_found_by_a_call_is_of_one_node,
    what_was_refused_is_not_called,
)
from ixproxy.testing.simulation.rules_of_locks import CommitRules, who_goes_leaves_no_snapshot
from ixproxy.testing.simulation.rules_of_pushed import (
    what_a_dead_router_had_goes_back_in_time,
    what_is_routed_is_done,
)
from ixproxy.testing.simulation.rules_of_refusals import (
    nobody_is_sent_away_for_a_seat,
    nothing_is_in_doubt_where_nothing_breaks,
    what_is_there_is_not_unknown,
)
from ixproxy.testing.simulation.run import Run


def what_is_acknowledged_is_committed(run: Run, asked: Asked) -> Iterator[str]:
    """Nothing acknowledged is ever lost: answers leave after the commit (design 8, batches)."""
    outcome, ledger = asked.outcome, run.ledger
    if not isinstance(outcome, m.EventAck):
        return
    match asked.request:
        case m.RequestSubmit():
            identifier = outcome.interaction_id
            run.ids[identifier] = None
            if _ended_at_once(run, asked, identifier):
                return
            if identifier not in ledger.born:
                yield f"{identifier} is acknowledged to #{asked.step}, and on no node"
            elif identifier not in ledger.tags.get(asked.request.user_data["tag"], ()):
                yield f"{identifier} is acknowledged to #{asked.step}, and it is another's"
        case m.RequestStopProcessing(interaction_id=identifier):
            if identifier in ledger.owners:
                yield f"the end of {identifier} is acknowledged to #{asked.step}, and it is there"
        case m.RequestLeaveInteraction(interaction_id=identifier):
            pass
    if asked.marks and not isinstance(asked.request, m.RequestSubmit):
        for mark in asked.marks:
            # A change and the end may be one commit, in which only the end is written.
            if mark not in ledger.marks and outcome.interaction_id not in ledger.died:
                yield f"the change {mark} is acknowledged to #{asked.step}, and nowhere"
            run.sure.setdefault(ledger.marks.get(mark, ""), set()).add(mark)


def _ended_at_once(run: Run, submit: Asked, identifier: str) -> bool:
    """
    Whether an interaction may have ended in the commit in which it came, so that nothing of it
    is written: the client gave its name, and somebody asked for its end meanwhile.
    """
    return getattr(submit.request, "interaction_id", "") == identifier and any(
        ends(other.request)
        and getattr(other.request, "interaction_id", "") == identifier
        and other.answered_at >= submit.at
        and _may_be_done(other)
        for other in run.asked
    )


def _may_be_done(asked: Asked) -> bool:
    outcome = asked.outcome
    return not isinstance(outcome, RequestRefused) or outcome.in_doubt


def _unwritten(run: Run, identifier: str) -> int:
    """How many submits by a name that a client gave may have ended in the commit of their own."""
    return sum(
        isinstance(each.request, m.RequestSubmit)
        and each.request.interaction_id == identifier
        and _may_be_done(each)
        and each.request.user_data["tag"] not in run.ledger.tags
        for each in run.asked
    )


def what_is_handed_over_is_taken(run: Run, asked: Asked) -> Iterator[str]:
    """Each answer that hands over names the take that was committed (design 7, 'stranded')."""
    outcome = asked.outcome
    if isinstance(outcome, m.EventPulledInteractions):
        session = asked.player.here.session
        for identifier, number in outcome.take_numbers.items():
            run.ids.setdefault(identifier)
            if (session, identifier, number) not in run.ledger.takes and not _other(
                run, asked, identifier
            ):
                yield f"{asked.player.name} is given {identifier} as {number}, and has it nowhere"


def _other(run: Run, asked: Asked, identifier: str) -> bool:
    """
    Whether something else was asked of an interaction meanwhile: it may be in
    the same commit, of which only the last state is written.
    """
    return run.answered_at.get(identifier, -1.0) >= asked.at or any(
        getattr(other.request, "interaction_id", "") == identifier for other in run.open
    )


def answers_show_what_was_acknowledged(run: Run, asked: Asked) -> Iterator[str]:
    """
    Who asks after an acknowledgement is told of the change (design 8: arrival order), unless
    the interaction was over, or is, and there is another one of that name.
    """
    outcome = asked.outcome
    if isinstance(outcome, m.EventInteractionProperties):
        if run.ledger.births.get(outcome.interaction_id, 0) != asked.there:
            return
        shown = outcome.interaction.get("UserData", outcome.interaction)
        missing = asked.knew - shown.keys()
        if missing:
            yield f"{outcome.interaction_id} is told without {', '.join(sorted(missing))}"


def refusals_are_documented(run: Run, asked: Asked) -> Iterator[str]:
    """Each code is in the public table, which says whether anything was done (design 6, codes)."""
    outcome = asked.outcome
    if isinstance(outcome, RequestRefused) and outcome.code not in ERRORS:
        yield f"{asked.name} of #{asked.step} is refused with {outcome.code}"


def what_was_refused_is_not_done(run: Run, asked: Asked) -> Iterator[str]:
    """An error says 'nothing done' or 'in doubt', and nothing done is nothing done (design 6)."""
    outcome = asked.outcome
    if not isinstance(outcome, RequestRefused):
        return
    request = asked.request
    if ends(request) and outcome.in_doubt:
        identifier = getattr(request, "interaction_id", "")
        run.doubtful[identifier] = run.doubtful.get(identifier, 0) + 1
    if outcome.in_doubt:
        if isinstance(request, m.RequestSubmit) and request.submit_receipt:
            run.doubtful_submits.append(asked)
        return
    if isinstance(request, m.RequestSubmit) and request.submit_receipt:
        # Another attempt with the same receipt may have been carried out.
        return
    for mark in asked.marks:
        why = f"#{asked.step} was refused with {outcome.code}, nothing done"
        run.ledger.forbidden[mark] = why
        done = run.ledger.marks.get(mark)
        if mark.startswith("tag "):
            done = next(iter(run.ledger.tags.get(int(mark[4:]), ())), None)
        if done is not None:
            yield f"{mark} is in {done}, but {why}"


def each_is_ended_once(run: Run, asked: Asked) -> Iterator[str]:
    """
    Nothing is ended twice (design 14.2), unless it was there twice. Of what came and ended in
    one commit the ledger does not know.
    """
    request = asked.request
    if ends(request) and isinstance(asked.outcome, m.EventAck | m.EventRouteUsed):
        identifier = getattr(request, "interaction_id", "")
        run.ended[identifier] = run.ended.get(identifier, 0) + 1
        if run.ended[identifier] > 1 + _unwritten(run, identifier):
            yield f"{identifier} was ended {run.ended[identifier]} times"


def streams_keep_their_rules(run: Run) -> Iterator[str]:
    """What a reporting client is told keeps the rules of `watching` (design 7, reporting)."""
    for player in run.players:
        if player.watch is not None and player.watch.problems:
            yield player.watch.problems[0]


def nothing_fails_in_a_program(run: Run) -> Iterator[str]:
    """No program logs a mistake of its own (design 5: no exception in the log)."""
    yield from run.logged[:1]


ON_ANSWER: tuple[Callable[[Run, Asked], Iterable[str]], ...] = (
    what_is_acknowledged_is_committed,
    what_is_handed_over_is_taken,
    answers_show_what_was_acknowledged,
    refusals_are_documented,
    what_was_refused_is_not_done,
    each_is_ended_once,
    what_is_there_is_not_unknown,
    nothing_is_in_doubt_where_nothing_breaks,
    what_was_refused_is_not_called,
    a_call_is_answered_by_whom_it_was_for,
    what_is_found_by_a_call_is_of_one_node,
    pings_are_refused_by_proxies,
    what_is_routed_is_done,
    *rules_of_snapshots.ON_ANSWER,
    *rules_of_workbins.ON_ANSWER,
)
AFTER_EACH_STEP: tuple[Callable[[Run], Iterable[str]], ...] = (
    streams_keep_their_rules,
    nothing_fails_in_a_program,
    nobody_is_sent_away_for_a_seat,
    what_a_dead_router_had_goes_back_in_time,
    who_goes_leaves_no_snapshot,
    *rules_of_workbins.AFTER_EACH_STEP,
)


def hold_to_rules(run: Run) -> None:
    """From now on the rules of answers, events and commits are asked of a run."""
    run.on_answer = ON_ANSWER
    run.on_event = rules_of_workbins.ON_EVENT
    run.ledger.snapshots.now = run.now
    run.ledger.snapshots.witness = CommitRules(run)
