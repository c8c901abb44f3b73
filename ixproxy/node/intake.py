"""
Documents: all operations of one in one transaction, with replies and receipt.

Theory of operation: a document is one piece of work. Its operations are done
in their order; one that is refused, or on which our own rules break, is undone
by itself and answered with the error, and the others are done. The answers are
rows of the outbox, where the document wants any, and the results that are
given back; both are of the same transaction as what they tell of, and so is
the receipt by which the document is known when it is given again: then
nothing is done, and the results are those of the first time. A document with a
problem as a whole is asked for in the same way, and answered once as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec.structs import astuple

from ixproxy.errors import Code, RequestRefused, StorageError, describe
from ixproxy.messages.message import MAX_NAME, KeyValues
from ixproxy.node.counters import set_back
from ixproxy.node.intake_operations import Asker, Did, asker_of, do_operation
from ixproxy.node.intake_settings import CaptureRules, Check
from ixproxy.node.intake_splitting import external_ids_of, ids_of, is_storable
from ixproxy.node.intake_work import (
    NAME,
    Document,
    DocumentDone,
    DocumentGiven,
    Notification,
    Problem,
    Result,
    Said,
    Taken,
    Verb,
)
from ixproxy.node.outbox import keep_notification
from ixproxy.node.rows import DocumentRow
from ixproxy.node.turn import Turn
from ixproxy.node.working_set import DocumentKey

HOUR = 3600.0

KEPT_RESULTS = 64 << 10
"""
Bytes of results that are kept with a receipt. Where they are more, what was
asked for to be read is left out, and then all of them.
"""

_encode = msgspec.msgpack.Encoder().encode
_decode_results = msgspec.msgpack.Decoder(tuple[Result, ...]).decode


def ids_needed(document: Document) -> list[str]:
    """The interactions that a document names."""
    return [operation.interaction_id for operation in document.operations]


def external_ids_needed(document: Document, rules: CaptureRules) -> Counter[str]:
    """
    How many of the newest interactions with which external id it may need.

    Nobody has one that cannot be stored, and not every store can be asked for it.
    """
    counts: Counter[str] = Counter()
    for operation in document.operations:
        if operation.problem is not None:
            continue
        if operation.verb is Verb.SUBMIT:
            if rules.check is Check.EXTERNAL_ID:
                counts.update(external_ids_of(operation))
            continue
        id, external_id = ids_of(operation)
        if external_id and not id:
            counts[external_id] += 1
    return Counter({each: count for each, count in counts.items() if is_storable(each)})


def receipts_needed(work: DocumentGiven, rules: CaptureRules) -> list[DocumentKey]:
    """The key of a document's receipt, if it counts."""
    receipt = work.document.receipt
    return [(work.point, receipt)] if receipt and rules.check is not Check.NONE else []


def do_document(turn: Turn, work: DocumentGiven) -> DocumentDone:
    """
    Do a document.

    :raise RequestRefused: nothing of it is done: its capture point is not there
        any more, or must first read what waits for it.
    """
    point, document = work.point, work.document
    rules = turn.settings.capture.get(point)
    if rules is None:
        raise RequestRefused(Code.STOPPING, f"there is no capture point {point!r} any more")
    keys = receipts_needed(work, rules)
    for key in keys:
        known = turn.rows.document(*key)
        if known is not None and known.kept_until > turn.now:
            return DocumentDone(work.token, Taken(results=_unpacked(known.results), repeated=True))
    waiting = turn.outboxes.sizes.get(point, 0)
    more = len(document.operations) + (document.problem is not None)
    if document.replies and waiting and waiting + more > rules.max_outbox:
        raise RequestRefused(Code.BUSY, f"{waiting} notifications wait for {point!r}")
    if document.problem is not None:
        if document.replies:
            _reply_to_all(turn, point, document, document.problem)
        return DocumentDone(work.token, Taken(problem=document.problem))
    turn.rows.look_for(point, external_ids_needed(document, rules))
    asker = asker_of(turn, point, rules)._replace(statistics=work.statistics)
    results = tuple(
        _result(turn, asker, document, number) for number in range(len(document.operations))
    )
    for _, receipt in keys:
        kept_until = turn.now + rules.receipt_retention * HOUR
        turn.rows.put_document(
            DocumentRow(
                point=point, receipt=receipt, kept_until=kept_until, results=_packed(results)
            )
        )
    return DocumentDone(work.token, Taken(results=results))


def _result(turn: Turn, asker: Asker, document: Document, at: int) -> Result:
    """Do one operation, that at `at`, whole, or not at all, and say so."""
    operation = document.operations[at]
    mark, told = turn.journal.mark(), len(turn.tells)
    numbers = astuple(turn.counters)
    try:
        did = do_operation(turn, asker, operation)
        if document.replies:
            _reply(turn, asker, document, at, did)
        row = did.row
        return Result(
            verb=operation.verb,
            interaction_id=row.id if row else "",
            external_id=(row.external_id or "") if row else "",
            properties=did.properties() if operation.verb in (Verb.GETINFO, Verb.PING) else {},
        )
    except StorageError:
        raise
    except RequestRefused as refusal:
        problem = Problem(refusal.code, refusal.description)
    except Exception as mistake:
        # A mistake of ours must cost one operation: its document would come again and again.
        turn.mistakes.append(mistake)
        problem = Problem(Code.INTERNAL, describe(Code.INTERNAL))
    turn.journal.undo(mark)
    set_back(turn.counters, numbers)
    del turn.tells[told:]
    if document.replies:
        _reply(turn, asker, document, at, problem)
    id, external_id = map(_cut, ids_of(operation))
    return Result(verb=operation.verb, interaction_id=id, external_id=external_id, problem=problem)


def _reply(turn: Turn, asker: Asker, document: Document, at: int, to: Did | Problem) -> None:
    """Tell the capture point what became of the operation at `at`."""
    turn.counters.event_number += 1
    operation = document.operations[at]
    if isinstance(to, Problem):
        id, external_id = map(_cut, ids_of(operation))
        said, properties, problem = Said.ERROR, {}, to
        changed: KeyValues = {}
        deleted: tuple[str, ...] = ()
        extra: KeyValues = {"Verb": operation.verb.value}
    else:
        id = to.row.id if to.row else ""
        external_id = (to.row.external_id or "") if to.row else ""
        said, properties, problem = to.said, to.properties(), None
        changed, deleted = to.changed, to.deleted
        extra = {"Repeated": 1} if to.repeated else {}
    if name := document.correlation.get(NAME):
        extra |= {"Document": name, "Operation": at + 1}
    point = asker.sender.client_name
    notification = Notification(
        said=said,
        number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        at=turn.now,
        reply=True,
        interaction_id=id,
        external_id=external_id,
        properties=properties,
        changed=changed,
        deleted=deleted,
        reason=operation.reason,
        problem=problem,
        correlation=document.correlation,
        actor=("media-server", point),
        extra=extra,
    )
    keep_notification(turn, point, notification)


def _reply_to_all(turn: Turn, point: str, document: Document, problem: Problem) -> None:
    """Tell the capture point that nothing of a document can be done."""
    name = document.correlation.get(NAME, document.receipt)
    turn.counters.event_number += 1
    notification = Notification(
        said=Said.ERROR,
        number=turn.counters.event_number,
        dbid=turn.identity.dbid,
        at=turn.now,
        reply=True,
        problem=problem,
        correlation=document.correlation,
        actor=("media-server", point),
        extra={"Document": name} if name else {},
    )
    keep_notification(turn, point, notification)


def _cut(id: str) -> str:
    return id if len(id) <= MAX_NAME else id[:MAX_NAME]


def _packed(results: Sequence[Result]) -> bytes:
    """Results as their column holds them."""
    packed = _encode(results)
    if len(packed) > KEPT_RESULTS:
        packed = _encode([msgspec.structs.replace(each, properties={}) for each in results])
    return packed if len(packed) <= KEPT_RESULTS else b""


def _unpacked(packed: bytes) -> tuple[Result, ...]:
    return _decode_results(packed) if packed else ()
