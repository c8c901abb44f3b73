from __future__ import annotations

from typing import Any

import msgspec

from ixproxy.capture.json_writing import (
    batch_reply,
    json_reply,
    one_result,
    problem_reply,
    request_problem,
)
from ixproxy.capture.web_values import Reply
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Problem, Result, Taken, Verb


def body(reply: Reply) -> Any:
    return msgspec.json.decode(reply.body)


def test_a_problem_has_the_form_of_the_rfc_and_the_code() -> None:
    reply = problem_reply(RequestRefused(Code.UNKNOWN_INTERACTION, "no X1"))
    assert reply.content_type == "application/problem+json"
    assert (reply.status, reply.headers) == (404, ())
    assert body(reply) == {
        "type": "urn:ixproxy:problem:43",
        "title": "Unknown interaction identifier specified",
        "status": 404,
        "detail": "no X1",
        "code": 43,
        "inDoubt": False,
    }


def test_a_problem_says_when_to_come_again() -> None:
    reply = problem_reply(RequestRefused(Code.BUSY), headers=(("A", "b"),))
    assert (reply.status, reply.headers) == (503, (("Retry-After", "1"), ("A", "b")))
    uncertain = problem_reply(RequestRefused(Code.STORE_UNCERTAIN))
    assert (uncertain.status, body(uncertain)["inDoubt"]) == (500, True)
    assert problem_reply(RequestRefused(Code.STORE_UNCERTAIN), "r").status == 503


def test_what_is_wrong_with_a_request_as_such_has_no_code() -> None:
    reply = request_problem(405, "Method not allowed", "expected GET", (("Allow", "GET"),))
    assert reply.headers == (("Allow", "GET"),)
    assert body(reply) == {
        "type": "about:blank",
        "title": "Method not allowed",
        "status": 405,
        "detail": "expected GET",
    }


def test_one_result_is_names_and_properties() -> None:
    result = Result(verb=Verb.GETINFO, interaction_id="X1", external_id="E1", properties={"a": 1})
    assert one_result(Taken(results=(result,)), "") == (
        result,
        {"interactionId": "X1", "externalId": "E1", "properties": {"a": 1}},
        None,
    )


def test_one_result_that_is_refused_is_a_problem() -> None:
    problem = Problem(code=Code.LOCKED, description="by him")
    _, _, reply = one_result(Taken(results=(Result(verb=Verb.STOP, problem=problem),)), "")
    assert reply is not None
    assert (reply.status, body(reply)["detail"]) == (409, "by him")


def test_what_is_repeated_says_so_even_where_no_more_is_known() -> None:
    assert one_result(Taken(repeated=True), "r") == (None, {"repeated": True}, None)


def test_a_batch_is_answered_operation_by_operation() -> None:
    results = (
        Result(verb=Verb.SUBMIT, interaction_id="X1"),
        Result(verb=Verb.GETINFO, problem=Problem(code=43, description="no X2")),
    )
    assert body(batch_reply(Taken(results=results))) == {
        "repeated": False,
        "results": [
            {"operation": "submit", "interactionId": "X1"},
            {
                "operation": "getinfo",
                "problem": {
                    "code": 43,
                    "title": "Unknown interaction identifier specified",
                    "detail": "no X2",
                },
            },
        ],
    }


def test_texts_that_are_no_unicode_are_written_with_signs_for_that() -> None:
    reply = json_reply({"a": "\ud800", "b": {"\ud801": ["\ud802"]}, "c": b"\xff"})
    assert body(reply) == {"a": "?", "b": {"?": ["?"]}, "c": "/w=="}
