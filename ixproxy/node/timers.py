"""
Timers of interactions: how long a strategy or an agent may keep one.

Theory of operation: a timer is a row, so it survives the node. Every request
of the agent who handles an interaction starts the handling timer again: a
request that changes something writes the row; one that only reads leaves a
note in memory, which counts when the row falls due. How long a timer runs is
settled when it starts: changed options do not touch what is out already.
"""

from __future__ import annotations

from msgspec.structs import replace

from ixproxy.node.answers import decoded
from ixproxy.node.rows import InteractionRow, TimerRow
from ixproxy.node.turn import Turn
from ixproxy.values import InteractionState

HANDLING = "handling"
ROUTING = "routing"
DELIVERING = "delivering"
HANDLING_KEY = "handling-timeout"
"""The key of the user data that goes before all options, in minutes."""
_HANDLING_KEY_BYTES = HANDLING_KEY.encode()

MINUTE = 60.0
MIN_MINUTES, MAX_MINUTES = 1, 1440


def start_handling(turn: Turn, row: InteractionRow) -> None:
    """An agent has it now."""
    seconds = handling_seconds(turn, row)
    turn.rows.put_timer(
        TimerRow(kind=HANDLING, interaction_id=row.id, due_at=turn.now + seconds, seconds=seconds)
    )


def start_routing(turn: Turn, row: InteractionRow) -> None:
    """A strategy has it now."""
    seconds = turn.settings.routing_timeout * MINUTE
    turn.rows.put_timer(
        TimerRow(kind=ROUTING, interaction_id=row.id, due_at=turn.now + seconds, seconds=seconds)
    )


def stop_timers(turn: Turn, row: InteractionRow) -> None:
    """Nobody has it any more; `row` is as it was while it was out."""
    if row.state == InteractionState.HANDLING:
        turn.rows.remove_timer(HANDLING, row.id)
        turn.journal.remove(turn.memory.restarts, row.id)
    elif row.state == InteractionState.ROUTING:
        turn.rows.remove_timer(ROUTING, row.id)


def seen_handling(turn: Turn, row: InteractionRow) -> None:
    """A request of the handling agent that changes nothing."""
    if row.state == InteractionState.HANDLING:
        turn.journal.set(turn.memory.restarts, row.id, turn.now)


def restart_handling(turn: Turn, row: InteractionRow) -> None:
    """A request of the handling agent that is written anyhow."""
    if row.state == InteractionState.HANDLING:
        timer = turn.rows.timer(HANDLING, row.id)
        if timer is not None:
            turn.rows.put_timer(replace(timer, due_at=turn.now + timer.seconds))
            turn.journal.remove(turn.memory.restarts, row.id)


def handling_seconds(turn: Turn, row: InteractionRow) -> float:
    """How long an agent may keep it: user data, then media type, then the node's option."""
    if _HANDLING_KEY_BYTES in row.user_data:
        minutes = _minutes(decoded(row.user_data).get(HANDLING_KEY))
        if minutes is not None:
            return minutes * MINUTE
    tenant = turn.model.tenants.get(row.tenant_id)
    media = tenant.media_types.get(row.media_type) if tenant else None
    if media is not None and media.handling_timeout is not None:
        return media.handling_timeout * MINUTE
    return turn.settings.handling_timeout * MINUTE


def _minutes(value: object) -> float | None:
    """A number of minutes in the documented range; anything else does not count."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 9 else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if MIN_MINUTES <= value <= MAX_MINUTES else None


def expired(turn: Turn, timer: TimerRow) -> InteractionRow | None:
    """
    The interaction whose time is over; None where the timer has nothing to
    end any more, or handling was seen going on since it was written.
    """
    row = turn.rows.interaction(timer.interaction_id)
    wanted = InteractionState.HANDLING if timer.kind == HANDLING else InteractionState.ROUTING
    if timer.kind not in (HANDLING, ROUTING) or row is None or row.state != wanted:
        turn.rows.remove_timer(timer.kind, timer.interaction_id)
        return None
    seen_at = turn.memory.restarts.get(row.id) if timer.kind == HANDLING else None
    if seen_at is not None and seen_at + timer.seconds > turn.now:
        turn.rows.put_timer(replace(timer, due_at=seen_at + timer.seconds))
        turn.journal.remove(turn.memory.restarts, row.id)
        return None
    return row
