from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.fake_intake import Say
from tests.capture.web_stage import SOAP_PATH, Caller, WebStage, envelope, request
from tests.failures import LoggedFailures

SUBMIT = (b'{"externalId":"E1"}', {"Idempotency-Key": '"r"'})
XML = {"Content-Type": "text/xml"}


def submit(caller: Caller) -> Any:
    return caller.ask("POST", "/interactions", *SUBMIT)


def test_an_answer_comes_when_the_document_is_durable() -> None:
    web = WebStage()
    web.intake.answers = [Say.LATE]
    caller = Caller(web)
    assert submit(caller) == []
    web.intake.settle()
    (answer,) = caller.answers()
    assert answer.status == 201
    assert web.point.figures()["answered"] == 1


def test_who_calls_again_with_his_receipt_is_told_the_same() -> None:
    web = WebStage()
    lost = Caller(web)
    lost.protocol.dataReceived(request("POST", "/interactions", *SUBMIT))
    lost.lose()
    (answer,) = submit(Caller(web))
    assert answer.status == 200
    assert msgspec.json.decode(answer.body) == {
        "interactionId": "0000000000000001",
        "externalId": "E1",
        "repeated": True,
    }
    assert len(web.intake.taken) == 1


def test_another_request_under_a_known_receipt_is_refused_and_does_nothing() -> None:
    web = WebStage()
    caller = Caller(web)
    submit(caller)
    (answer,) = caller.ask("DELETE", "/interactions/by-external-id/E1", b"", SUBMIT[1])
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"that of another request" in answer.body
    inner = "<ixn:Stop><ixn:ExternalId>E1</ixn:ExternalId></ixn:Stop>"
    (answer,) = caller.ask("POST", SOAP_PATH, envelope(inner), {**XML, **SUBMIT[1]})
    assert answer.status == 500
    assert b"SOAP-ENV:Client" in answer.body
    assert b"that of another request" in answer.body
    assert web.point.figures()["refused"] == 2
    assert len(web.interactions.there) == 1
    (answer,) = submit(caller)
    assert (answer.status, msgspec.json.decode(answer.body)["repeated"]) == (200, True)


def test_what_json_brought_in_may_be_repeated_in_soap() -> None:
    web = WebStage()
    submit(Caller(web))
    inner = "<ixn:Submit><ixn:ExternalId>E1</ixn:ExternalId></ixn:Submit>"
    (answer,) = Caller(web).ask("POST", SOAP_PATH, envelope(inner), {**XML, **SUBMIT[1]})
    assert answer.status == 200
    assert len(web.intake.taken) == 1


@pytest.mark.parametrize("say", [Say.IN_DOUBT, Say.DONE_BUT_IN_DOUBT, Say.BUSY, Say.STOPPING])
def test_what_was_not_done_or_nobody_knows_is_asked_again(say: Say) -> None:
    web = WebStage()
    web.intake.answers = [say]
    caller = Caller(web)
    (told,) = submit(caller)
    assert told.status == 503
    assert int(told.headers["retry-after"]) > 0
    (answer,) = submit(caller)
    assert answer.status in (200, 201)
    assert len(web.intake.taken) == 1


def test_without_a_receipt_nobody_is_asked_to_repeat_what_is_in_doubt() -> None:
    web = WebStage()
    web.intake.answers = [Say.IN_DOUBT]
    (told,) = Caller(web).ask("POST", "/interactions", b"{}")
    assert told.status == 500
    assert msgspec.json.decode(told.body)["inDoubt"] is True


def test_soap_and_json_are_told_apart_by_their_paths() -> None:
    web = WebStage()
    caller = Caller(web)
    (answer,) = caller.ask("POST", SOAP_PATH, envelope("<ixn:Submit/>"), XML)
    assert b"RequestResponse" in answer.body
    (answer,) = caller.ask("GET", f"{SOAP_PATH}?wsdl")
    assert b"http://ixn1:8080/Genesys" in answer.body
    (answer,) = caller.ask("GET", "/ping")
    assert answer.headers["content-type"] == "application/json"
    assert (web.point.figures()["soap"], web.point.figures()["json"]) == (2, 1)


def test_a_service_behind_a_balancer_answers_on_both_paths() -> None:
    caller = Caller(WebStage(soap_endpoint="https://balancer/claims/soap"))
    for path in (SOAP_PATH, "/claims/soap"):
        (answer,) = caller.ask("GET", f"{path}?wsdl")
        assert b"https://balancer/claims/soap" in answer.body


def test_without_a_json_face_there_is_only_soap_and_health() -> None:
    caller = Caller(WebStage(json=False))
    asked = [("GET", "/ping"), ("GET", "/health"), ("GET", f"{SOAP_PATH}?wsdl")]
    assert [caller.ask(*each)[0].status for each in asked] == [404, 200, 200]


def test_in_iwd_mode_the_other_wsdl_is_served() -> None:
    web = WebStage(
        iwd_compatibility_mode=True, inbound_transformer_parameters={"CompleteQueues": "Done"}
    )
    caller = Caller(web)
    inner = "<completeTaskByTaskId><taskId>X1</taskId></completeTaskByTaskId>"
    (answer,) = caller.ask("POST", SOAP_PATH, envelope(inner), XML)
    assert b"<code>43</code>" in answer.body
    assert web.intake.documents[0].operations[0].properties == {"Queue": "Done"}


def test_what_cannot_be_read_is_counted_with_the_reason() -> None:
    web = WebStage()
    caller = Caller(web)
    caller.ask("POST", "/interactions", b"{")
    caller.ask("POST", SOAP_PATH, b"<a", XML)
    assert [name for name, _ in web.intake.refusals] == ["POST /interactions", f"POST {SOAP_PATH}"]
    assert all(why for _, why in web.intake.refusals)


def test_requests_wait_for_room_in_their_order() -> None:
    web = WebStage(most=1)
    web.intake.answers = [Say.LATE]
    callers = [Caller(web) for _ in range(4)]
    for number, caller in enumerate(callers):
        caller.ask("POST", "/interactions", f'{{"externalId":"E{number}"}}'.encode())
    assert web.point.figures()["waiting"] == 3
    web.intake.settle()
    web.later(1)
    taken = [document.operations[0].external_id for document in web.intake.taken]
    assert taken == ["E0", "E1", "E2", "E3"]
    assert web.intake.crowded == 0
    assert [caller.answers()[0].status for caller in callers] == [201] * 4


def test_who_waits_too_long_for_room_is_told_to_come_again() -> None:
    web = WebStage(busy_timeout=5)
    web.intake.close_room()
    json, soap = Caller(web), Caller(web)
    json.ask("GET", "/ping")
    soap.ask("POST", SOAP_PATH, envelope("<ixn:Ping/>"), XML)
    web.later(4)
    assert json.answers() == []
    web.later(1)
    answers = [*json.answers(), *soap.answers()]
    assert [answer.status for answer in answers] == [503, 503]
    assert all(answer.headers["retry-after"] == "1" for answer in answers)
    assert b"<ixn:ErrorCode>3000</ixn:ErrorCode>" in answers[1].body
    web.intake.open_room()
    assert [answer.status for answer in json.ask("GET", "/ping")] == [200]
    assert web.point.figures()["busy"] == 2


def test_where_nobody_is_to_wait_nobody_does() -> None:
    web = WebStage(busy_timeout=0)
    web.intake.close_room()
    assert [answer.status for answer in Caller(web).ask("GET", "/ping")] == [503]


def test_who_is_lost_while_he_waits_for_room_is_not_handed_in() -> None:
    web = WebStage()
    web.intake.close_room()
    caller = Caller(web)
    submit(caller)
    caller.lose()
    web.intake.open_room()
    web.later(1)
    assert web.intake.documents == []


def test_what_waits_for_room_is_dropped_with_its_connection() -> None:
    web = WebStage(busy_timeout=5)
    web.intake.close_room()
    first, staying = Caller(web), Caller(web)
    submit(first)
    staying.ask("POST", "/interactions", b'{"externalId":"E2"}')
    for number in range(100):
        caller = Caller(web)
        caller.ask("POST", "/interactions", f'{{"externalId":"L{number}"}}'.encode())
        caller.lose()
        assert web.point.figures()["waiting"] == 2
    first.lose()
    assert web.point.figures()["waiting"] == 1
    assert web.point.figures()["lost"] == 101
    # One limit is left of all: nothing else would keep their documents.
    assert len([call for call in web.reactor.getDelayedCalls() if call.getTime() == 5]) == 1
    web.intake.open_room()
    web.later(6)
    assert [answer.status for answer in staying.answers()] == [201]
    assert [each.operations[0].external_id for each in web.intake.documents] == ["E2"]


def test_health_says_whether_there_is_room() -> None:
    web = WebStage()
    caller = Caller(web)
    assert caller.ask("GET", "/health")[0].body == b'{"status":"ok"}'
    web.intake.close_room()
    assert caller.ask("GET", "/health")[0].body == b'{"status":"busy"}'
    assert caller.ask("POST", "/health")[0].status == 405


def test_only_users_are_let_in_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("mary:secret\n")
    web = WebStage(users_file=str(tmp_path / "users"))
    caller = Caller(web)
    for path in ("/ping", "/", f"{SOAP_PATH}?wsdl"):
        (told,) = caller.ask("GET", path)
        assert told.status == 401
        assert told.headers["www-authenticate"].startswith('Basic realm="')
    assert web.intake.documents == []
    known = {"Authorization": "Basic " + base64.b64encode(b"mary:secret").decode()}
    assert caller.ask("GET", "/ping", b"", known)[0].status == 200
    assert caller.ask("GET", "/health")[0].status == 200


def test_a_bug_is_logged_and_its_caller_learns_nothing(logged_failures: LoggedFailures) -> None:
    web = WebStage()
    caller = Caller(web)

    def broken(_: object) -> object:
        raise ZeroDivisionError("a secret")

    web.intake.take = broken  # type: ignore[method-assign, assignment]
    (told,) = caller.ask("GET", "/ping")
    assert (told.status, told.body) == (500, b"Internal error\n")
    assert logged_failures.flush(ZeroDivisionError)
    face = web.point._term._answers.faces.json  # type: ignore[union-attr]
    face.read = broken  # type: ignore[union-attr, method-assign]
    (told,) = Caller(web).ask("GET", "/ping")
    assert (told.status, told.body) == (500, b"Internal error\n")
    assert logged_failures.flush(ZeroDivisionError)
    assert web.point.figures()["failed"] == 2


def test_an_intake_that_fails_with_something_else_is_a_bug(
    logged_failures: LoggedFailures,
) -> None:
    web = WebStage()
    web.intake.answers = [Say.LATE]
    caller = Caller(web)
    caller.send(request("GET", "/ping"))
    for _, answer in web.intake._in_flight:
        answer.errback(KeyError("x"))
    assert [answer.status for answer in caller.answers()] == [500]
    assert logged_failures.flush(KeyError)
    assert web.point.figures()["in-flight"] == 0


def test_a_refusal_of_the_whole_document_is_told() -> None:
    web = WebStage()
    web.intake.answers = [Say.LATE]
    caller = Caller(web)
    caller.send(request("GET", "/ping"))
    for _, answer in web.intake._in_flight:
        answer.errback(RequestRefused(Code.TOO_LARGE, "too many operations"))
    (told,) = caller.answers()
    assert told.status == 413
