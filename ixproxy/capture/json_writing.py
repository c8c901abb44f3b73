"""Outcomes and problems as JSON; problems in the form of RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ixproxy.capture.web_statuses import Status, status_of
from ixproxy.capture.web_values import Reply
from ixproxy.errors import RequestRefused, describe
from ixproxy.node.intake_work import Result, Taken, Verb

JSON = "application/json"
PROBLEM = "application/problem+json"


def problem_reply(
    refusal: RequestRefused, receipt: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """
    Why something was not done.

    :param receipt: of its document.
    """
    status = status_of(refusal.code, refusal.in_doubt, receipt)
    return _problem(status, refusal.code, refusal.description, refusal.in_doubt, headers)


def request_problem(
    status: int, title: str, detail: str, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """What is wrong with a request as HTTP: there is no code of the field for it."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Reply(status=status, body=_bytes(body), content_type=PROBLEM, headers=headers)


def _problem(
    status: Status, code: int, detail: str, in_doubt: bool, headers: tuple[tuple[str, str], ...]
) -> Reply:
    body = {
        "type": f"urn:ixproxy:problem:{code}",
        "title": describe(code),
        "status": status.code,
        "detail": detail,
        "code": code,
        "inDoubt": in_doubt,
    }
    return Reply(
        status=status.code,
        body=_bytes(body),
        content_type=PROBLEM,
        headers=(*status.headers, *headers),
    )


def json_reply(
    value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Anything, as JSON."""
    return Reply(status=status, body=_bytes(value), content_type=JSON, headers=headers)


def one_result(taken: Taken, receipt: str) -> tuple[Result | None, dict[str, Any], Reply | None]:
    """
    The outcome of a document with one operation.

    :return: the result, the body of the answer, and the answer itself where it
        was refused.
    """
    result = taken.results[0] if taken.results else None
    if result is not None and result.problem is not None:
        refusal = RequestRefused(result.problem.code, result.problem.description)
        return result, {}, problem_reply(refusal, receipt)
    body: dict[str, Any] = _named(result) if result is not None else {}
    if taken.repeated:
        body["repeated"] = True
    return result, body, None


def batch_reply(taken: Taken) -> Reply:
    """The outcome of each operation of a batch, in their order."""
    results = [_of_batch(result) for result in taken.results]
    return json_reply({"repeated": taken.repeated, "results": results})


def _of_batch(result: Result) -> dict[str, Any]:
    body = {"operation": result.verb.value, **_named(result)}
    if result.problem is not None:
        code = result.problem.code
        detail = result.problem.description
        body["problem"] = {"code": code, "title": describe(code), "detail": detail}
    return body


def _named(result: Result) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if result.interaction_id:
        body["interactionId"] = result.interaction_id
    if result.external_id:
        body["externalId"] = result.external_id
    if result.verb in (Verb.GETINFO, Verb.PING) and result.problem is None:
        body["properties"] = result.properties
    return body


def _bytes(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_clean(value))


def _clean(value: Any) -> Any:
    """`value` with replacement signs for what is no Unicode."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_clean(key): _clean(each) for key, each in value.items()}
        case list() | tuple():
            return [_clean(each) for each in value]
    return value
