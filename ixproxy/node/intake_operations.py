"""
What each operation of a document does: by the rules of the requests of a media server.

A capture point is to the rules a media server of its name: it may move and
change what others have, and what it submits is submitted by it. It has no
connection, so it is told nothing but by notifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import (
    Reason,
    RequestChangeProperties,
    RequestHold,
    RequestPing,
    RequestPlaceInQueue,
    RequestResume,
    RequestStopProcessing,
)
from ixproxy.messages.message import MAX_NAME, MAX_TEXT, KeyValues
from ixproxy.node import changing, placing, submitting
from ixproxy.node.intake_settings import CaptureRules, Check, session_of
from ixproxy.node.intake_shown import plain, properties_shown, time_text
from ixproxy.node.intake_splitting import change_of, ids_of, submit_of
from ixproxy.node.intake_work import Operation, Said, Verb
from ixproxy.node.pinging import ping
from ixproxy.node.rows import InteractionRow, PartyRow
from ixproxy.node.turn import Turn
from ixproxy.node.visibility import foremost
from ixproxy.node.work import Sender
from ixproxy.values import ClientType


class Asker(NamedTuple):
    """
    Who has handed in a document.

    :ivar statistics: as of a DocumentGiven.
    """

    sender: Sender
    rules: CaptureRules
    statistics: Mapping[str, KeyValues] = {}


class Did(NamedTuple):
    """
    What an operation came to.

    :ivar row: the interaction that it is about, of a STOP as it was; None: none.
    :ivar party: who has it, or had it.
    :ivar statistics: of PING.
    :ivar changed: and `deleted`: by an UPDATE.
    :ivar repeated: it was there already.
    """

    said: Said
    row: InteractionRow | None
    party: PartyRow | None = None
    statistics: KeyValues = {}
    changed: KeyValues = {}
    deleted: tuple[str, ...] = ()
    repeated: bool = False

    def properties(self) -> KeyValues:
        """All that there is to be shown; to be asked for before anything else is done."""
        return properties_shown(self.row, self.party) if self.row else self.statistics


def asker_of(turn: Turn, point: str, rules: CaptureRules) -> Asker:
    """A capture point as the rules know it."""
    tenants = frozenset(turn.model.tenants)
    if rules.tenants is not None:
        tenants &= rules.tenants
    return Asker(Sender(session_of(point), point, ClientType.MEDIA_SERVER.value, tenants), rules)


def do_operation(turn: Turn, asker: Asker, operation: Operation) -> Did:
    """
    Do one operation.

    :raise RequestRefused: it is not done, and what it changed so far must be undone.
    """
    if operation.problem is not None:
        raise RequestRefused(operation.problem.code, operation.problem.description)
    return _VERBS[operation.verb](turn, asker, operation)


def _submit(turn: Turn, asker: Asker, operation: Operation) -> Did:
    sender, rules = asker.sender, asker.rules
    only = next(iter(sender.tenants)) if len(sender.tenants) == 1 else 0
    submit = submit_of(operation, rules.defaults, only)
    if rules.check is Check.EXTERNAL_ID and submit.external_id:
        for found in turn.rows.named(sender.client_name, submit.external_id):
            if found.tenant_id == submit.request.tenant_id:
                return Did(Said.SUBMITTED, found, _having(turn, found), repeated=True)
    id = submitting.submit(turn, sender, submit.request).interaction_id
    if submit.hold:
        changing.hold(
            turn, sender, RequestHold(interaction_id=id, reason=_reason(operation.reason))
        )
    return _did(turn, Said.SUBMITTED, id)


def _update(turn: Turn, asker: Asker, operation: Operation) -> Did:
    row = _addressed(turn, asker, operation)
    lenient = turn.settings.ignore_read_only_on_change
    change = change_of(operation, properties_shown(row, _having(turn, row)), lenient=lenient)
    request = RequestChangeProperties(
        interaction_id=row.id,
        changed_properties=change.changed,
        deleted_properties=change.deleted,
        reason=_reason(operation.reason),
    )
    if change.queue:
        move = RequestPlaceInQueue(
            interaction_id=row.id,
            queue=change.queue,
            changed_properties=change.changed,
            deleted_properties=change.deleted,
            reason=request.reason,
        )
        placing.place_in_queue(turn, asker.sender, move)
    else:
        changing.change_properties(turn, asker.sender, request)
    did = _did(turn, Said.CHANGED, row.id)
    changed = plain(change.changed)
    if change.queue:
        changed["Queue"] = change.queue
    return did._replace(changed=changed, deleted=tuple(change.deleted))


def _hold(turn: Turn, asker: Asker, operation: Operation) -> Did:
    row = _addressed(turn, asker, operation)
    request = RequestHold(interaction_id=row.id, reason=_reason(operation.reason))
    changing.hold(turn, asker.sender, request)
    return _did(turn, Said.HELD, row.id)


def _resume(turn: Turn, asker: Asker, operation: Operation) -> Did:
    row = _addressed(turn, asker, operation)
    request = RequestResume(interaction_id=row.id, reason=_reason(operation.reason))
    changing.resume(turn, asker.sender, request)
    return _did(turn, Said.RESUMED, row.id)


def _stop(turn: Turn, asker: Asker, operation: Operation) -> Did:
    row = _addressed(turn, asker, operation)
    party = _having(turn, row)
    request = RequestStopProcessing(interaction_id=row.id, reason=_reason(operation.reason))
    changing.stop_processing(turn, asker.sender, request)
    return Did(Said.STOPPED, row, party)


def _show(turn: Turn, asker: Asker, operation: Operation) -> Did:
    row = _addressed(turn, asker, operation)
    return Did(Said.INFO, row, _having(turn, row))


def _ping(turn: Turn, asker: Asker, operation: Operation) -> Did:
    said = ping(turn, asker.sender, RequestPing()).statistics
    statistics = plain(said)
    # Sources read times as texts, and have no fractions.
    statistics["StartedAt"] = time_text(said["StartedAt"])
    statistics["Uptime"] = int(said["Uptime"])
    sizes = turn.outboxes.sizes
    statistics["CapturePoints"] = {
        name: {**asker.statistics.get(name, {}), "NotificationsWaiting": sizes.get(name, 0)}
        for name in turn.settings.capture
    }
    return Did(Said.PONG, None, statistics=statistics)


_VERBS: dict[Verb, Callable[[Turn, Asker, Operation], Did]] = {
    Verb.SUBMIT: _submit,
    Verb.UPDATE: _update,
    Verb.HOLD: _hold,
    Verb.RESUME: _resume,
    Verb.STOP: _stop,
    Verb.GETINFO: _show,
    Verb.PING: _ping,
}


def _addressed(turn: Turn, asker: Asker, operation: Operation) -> InteractionRow:
    """
    The interaction that an operation is about: by its id any of the capture
    point's tenants, by external id the newest that it has submitted itself.

    :raise RequestRefused: it is not there, or not named.
    """
    id, external_id = ids_of(operation)
    if not (id or external_id):
        text = "InteractionId or ExternalId is missing"
        raise RequestRefused(Code.MISSING_VALUE, text)
    rows = turn.rows
    found = [rows.interaction(id)] if id else rows.named(asker.sender.client_name, external_id)
    for row in found:
        if row is not None and row.tenant_id in asker.sender.tenants:
            return row
    named = f"interaction {id!r}" if id else f"interaction with the external id {external_id!r}"
    raise RequestRefused(
        Code.UNKNOWN_INTERACTION, f"Unknown interaction identifier specified: no {named[:300]}"
    )


def _did(turn: Turn, said: Said, id: str) -> Did:
    row = turn.rows.interaction(id)
    assert row is not None
    return Did(said, row, _having(turn, row))


def _having(turn: Turn, row: InteractionRow) -> PartyRow | None:
    return foremost(turn.rows.parties_of(row.id))


def _reason(reason: tuple[str, str]) -> Reason | None:
    if reason == ("", ""):
        return None
    name, description = reason
    return Reason(reason_system_name=name[:MAX_NAME], reason_description=description[:MAX_TEXT])
