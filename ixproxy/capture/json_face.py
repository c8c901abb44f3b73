"""
The JSON face of the web service: interactions as resources, problems as RFC 9457 has them.

Each row of `ROUTES` is one kind of request; `{…}` stands for any segment of a
path. What is here is what `json_page` describes, and a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from ixproxy.capture.json_page import API_PAGE, human_page
from ixproxy.capture.json_reading import read_batch, read_submit, read_update, read_why
from ixproxy.capture.json_writing import (
    JSON,
    batch_reply,
    json_reply,
    one_result,
    problem_reply,
    request_problem,
)
from ixproxy.capture.web_receipts import receipt_of
from ixproxy.capture.web_values import AS_IT_IS, Asked, Call, Reply
from ixproxy.errors import RequestRefused
from ixproxy.node.intake_work import Document, Operation, Taken, Verb

Whom = Mapping[str, Any]
"""What the segments of a path say of whom it is about: the fields of an Operation."""

BY_ID = ("interactions", "{interaction_id}")
BY_EXTERNAL_ID = ("interactions", "by-external-id", "{external_id}")


def _submit(asked: Asked, whom: Whom) -> Operation:
    return read_submit(asked.body)


def _get(asked: Asked, whom: Whom) -> Operation:
    return Operation(verb=Verb.GETINFO, **whom)


def _update(asked: Asked, whom: Whom) -> Operation:
    return read_update(asked.body, whom.get("interaction_id", ""), whom.get("external_id", ""))


def _stop(asked: Asked, whom: Whom) -> Operation:
    reason = asked.query.get("reason", ""), asked.query.get("description", "")
    return Operation(verb=Verb.STOP, reason=reason, **whom)


def _hold(asked: Asked, whom: Whom) -> Operation:
    return Operation(verb=Verb.HOLD, reason=read_why(asked.body), **whom)


def _resume(asked: Asked, whom: Whom) -> Operation:
    return Operation(verb=Verb.RESUME, reason=read_why(asked.body), **whom)


def _ping(asked: Asked, whom: Whom) -> Operation:
    return Operation(verb=Verb.PING)


Maker = Callable[[Asked, Whom], Operation]

ROUTES: Mapping[tuple[str, ...], Mapping[str, Maker]] = {
    ("interactions",): {"POST": _submit},
    BY_EXTERNAL_ID: {"GET": _get, "PATCH": _update, "DELETE": _stop},
    (*BY_EXTERNAL_ID, "hold"): {"POST": _hold},
    (*BY_EXTERNAL_ID, "resume"): {"POST": _resume},
    BY_ID: {"GET": _get, "PATCH": _update, "DELETE": _stop},
    (*BY_ID, "hold"): {"POST": _hold},
    (*BY_ID, "resume"): {"POST": _resume},
    ("ping",): {"GET": _ping},
}
"""Requests that are one operation; a path is looked for from the top."""

BATCH = ("batch",)
PAGES = ((), ("openapi.json",))

NO_RECEIPT = frozenset({Verb.GETINFO, Verb.PING})
"""What changes nothing and is asked anew each time: a receipt would give old answers."""


class JsonFace:
    """
    Answers what comes to any path but that of the SOAP service.

    :param name: of the capture point, for the page that persons read.
    """

    def __init__(self, name: str) -> None:
        self._page = human_page(name)

    def read(self, asked: Asked) -> Reply | Call:
        """What a request comes to."""
        method = "GET" if asked.method == "HEAD" else asked.method
        if asked.path in (*PAGES, ("",)):
            return self._pages(asked, method)
        if asked.path == BATCH:
            return self._batch(asked, method)
        for pattern, makers in ROUTES.items():
            whom = _matched(pattern, asked.path)
            if whom is not None:
                return self._one(asked, method, makers, whom)
        return request_problem(404, "Not found", "see /openapi.json for what there is")

    def failed(self, refusal: RequestRefused) -> Reply:
        """A problem for what never became work."""
        return problem_reply(refusal)

    def reused(self, why: str) -> Reply:
        """A problem for a receipt that is taken."""
        return request_problem(422, "Idempotency-Key is already used", why)

    def _pages(self, asked: Asked, method: str) -> Reply:
        if method != "GET":
            return _not_allowed(["GET"])
        if asked.path == ("openapi.json",):
            return Reply(status=200, body=API_PAGE, content_type=JSON)
        return Reply(status=200, body=self._page, content_type="text/html; charset=utf-8")

    def _one(
        self, asked: Asked, method: str, makers: Mapping[str, Maker], whom: Whom
    ) -> Reply | Call:
        if method not in makers:
            return _not_allowed(list(makers))
        if bad := _bad_type(asked, method):
            return bad
        try:
            operation = makers[method](asked, whom)
            receipt = "" if operation.verb in NO_RECEIPT else receipt_of(asked)
        except RequestRefused as refusal:
            return replace(problem_reply(refusal), unread=refusal.description)
        return Call(
            document=Document(operations=(operation,), receipt=receipt, replies=False),
            done=lambda taken: _done(taken, operation.verb, receipt),
            refused=lambda refusal: problem_reply(refusal, receipt),
        )

    def _batch(self, asked: Asked, method: str) -> Reply | Call:
        if method != "POST":
            return _not_allowed(["POST"])
        if bad := _bad_type(asked, method):
            return bad
        try:
            operations = read_batch(asked.body)
            receipt = receipt_of(asked)
        except RequestRefused as refusal:
            return replace(problem_reply(refusal), unread=refusal.description)
        return Call(
            document=Document(operations=operations, receipt=receipt, replies=False),
            done=batch_reply,
            refused=lambda refusal: problem_reply(refusal, receipt),
        )


def _done(taken: Taken, verb: Verb, receipt: str) -> Reply:
    result, body, refused = one_result(taken, receipt)
    if refused is not None:
        return refused
    if verb is not Verb.SUBMIT or result is None or not result.interaction_id:
        return json_reply(body)
    location = ("Location", f"/interactions/{quote(result.interaction_id, safe='')}")
    return json_reply(body, 200 if taken.repeated else 201, (location,))


def _matched(pattern: tuple[str, ...], path: tuple[str, ...]) -> dict[str, str] | None:
    """What stands for the names in a pattern; None: it is another path."""
    if len(pattern) != len(path):
        return None
    found: dict[str, Any] = {}
    for wanted, given in zip(pattern, path, strict=True):
        if wanted.startswith("{"):
            if not given:
                return None
            found[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return found


def _not_allowed(methods: list[str]) -> Reply:
    also = [*methods, "HEAD"] if "GET" in methods else methods
    allowed = ", ".join(also)
    detail = f"expected {allowed}"
    return request_problem(405, "Method not allowed", detail, (("Allow", allowed),))


def _bad_type(asked: Asked, method: str) -> Reply | None:
    """
    An answer to a body that is packed, or does not say that it is JSON.

    A page in a browser can have others posted anywhere, with the user's password.
    """
    if method not in ("POST", "PATCH"):
        return None
    if asked.coding:
        detail = f"expected no Content-Encoding, not {asked.coding[:80]}"
        bad = request_problem(415, "Unsupported media type", detail, AS_IT_IS)
        return replace(bad, unread=detail)
    kind = asked.content_type
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return None
    if not asked.body and not kind:
        return None
    detail = f"expected {JSON}, not {kind or 'nothing'}"
    return replace(request_problem(415, "Unsupported media type", detail), unread=detail)
