from __future__ import annotations

import msgspec
import pytest

from ixproxy.capture.web_channel import LINGER_SECONDS, MOST_BUFFERED
from tests.capture.web_stage import SOAP_PATH, Caller, WebStage, request

GET = request("GET", "/health")
XML = {"Content-Type": "text/xml"}


def stage(**settings: object) -> WebStage:
    return WebStage(**{"max_document_size": 2048, **settings})  # type: ignore[arg-type]


def test_requests_of_one_connection_are_answered_in_their_order() -> None:
    caller = Caller(stage())
    caller.send(GET + request("GET", "/ping") + request("GET", "/health"))
    assert [answer.body[:9] for answer in caller.answers()] == [
        b'{"status"',
        b'{"propert',
        b'{"status"',
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_it_does_not_depend_on_how_bytes_arrive(size: int) -> None:
    web = stage()
    caller = Caller(web)
    raw = request("POST", "/interactions", b'{"externalId":"E1"}') + GET
    for start in range(0, len(raw), size):
        caller.send(raw[start : start + size])
    assert [answer.status for answer in caller.answers()] == [201, 200]
    assert [document.operations[0].external_id for document in web.intake.taken] == ["E1"]


def test_answers_have_a_date_and_are_not_to_be_kept() -> None:
    (answer,) = Caller(stage()).ask("GET", "/health")
    assert answer.headers["date"].endswith("GMT")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_head_is_answered_without_a_body() -> None:
    caller = Caller(stage())
    caller.send(request("HEAD", "/openapi.json"))
    (answer,) = caller.answers(head_only=True)
    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 1000


def test_old_clients_are_answered_and_closed() -> None:
    caller = Caller(stage())
    caller.send(b"GET /health HTTP/1.0\r\n\r\n")
    (answer,) = caller.answers()
    assert answer.status == 200
    assert caller.is_closed()


def test_a_whole_url_is_understood() -> None:
    caller = Caller(stage())
    caller.send(
        b"GET http://ixn1:8080/health?a=b HTTP/1.1\r\n\r\nGET https://ixn1 HTTP/1.1\r\n\r\n"
    )
    assert [answer.status for answer in caller.answers()] == [200, 200]


def test_a_body_in_chunks_is_read() -> None:
    web = stage()
    caller = Caller(web)
    caller.send(
        b"POST /interactions HTTP/1.1\r\nContent-Type: application/json\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n6\r\n{"exte\r\n0d\r\nrnalId":"E1"}\r\n0\r\n\r\n'
    )
    assert [answer.status for answer in caller.answers()] == [201]


def test_who_asks_whether_to_go_on_is_told_to() -> None:
    caller = Caller(stage())
    body = b"{}"
    head = request("POST", "/interactions", body, {"Expect": "100-continue"})[: -len(body)]
    caller.send(head)
    assert [answer.status for answer in caller.answers()] == [100]
    caller.send(body)
    assert [answer.status for answer in caller.answers()] == [201]


@pytest.mark.parametrize("expects", [{}, {"Expect": "100-continue"}])
def test_a_body_that_is_announced_too_large_is_refused_at_once(expects: dict[str, str]) -> None:
    web = stage()
    caller = Caller(web)
    caller.send(request("POST", "/interactions", b"", {"Content-Length": "2049", **expects}))
    (answer,) = caller.answers()
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"
    told = msgspec.json.decode(answer.body)
    assert (told["code"], told["detail"]) == (3003, "at most 2048 bytes are taken")
    assert answer.headers["connection"] == "close"
    caller.send(b"x" * 2049 + GET)
    assert caller.answers() == []
    assert not caller.is_closed()
    web.later(LINGER_SECONDS)
    assert caller.is_closed()
    assert web.intake.documents == []


def test_a_body_that_grows_too_large_is_refused() -> None:
    web = stage()
    caller = Caller(web)
    caller.send(b"POST /interactions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(4):
        caller.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
    assert [answer.status for answer in caller.answers()] == [413]
    web.later(LINGER_SECONDS)
    assert caller.is_closed()


@pytest.mark.parametrize("target", [SOAP_PATH, f"http://ixn1:8080{SOAP_PATH}?a=b"])
def test_an_envelope_that_is_too_large_is_refused_with_a_fault(target: str) -> None:
    caller = Caller(stage())
    caller.send(request("POST", target, b"", {"Content-Length": "2049", **XML}))
    (announced,) = caller.answers()
    caller = Caller(stage())
    head = request("POST", target, b"", {"Transfer-Encoding": "chunked", **XML})
    caller.send(head + b"801\r\n" + b"x" * 2049 + b"\r\n")
    (grown,) = caller.answers()
    for answer in (announced, grown):
        assert answer.status == 500
        assert answer.headers["content-type"].startswith("text/xml")
        assert b"SOAP-ENV:Client" in answer.body
        assert b"<ixn:ErrorCode>3003</ixn:ErrorCode>" in answer.body


def test_a_fault_of_iwd_is_one_there_too() -> None:
    caller = Caller(stage(iwd_compatibility_mode=True))
    caller.send(request("POST", SOAP_PATH, b"", {"Content-Length": "2049", **XML}))
    (answer,) = caller.answers()
    assert b"<code>3003</code>" in answer.body


def test_the_next_request_is_refused_by_its_own_path() -> None:
    caller = Caller(stage())
    caller.ask("GET", f"{SOAP_PATH}?wsdl")
    caller.send(request("POST", "/interactions", b"", {"Content-Length": "2049"}))
    (answer,) = caller.answers()
    assert answer.status == 413


def test_without_a_json_face_it_is_a_problem_all_the_same() -> None:
    caller = Caller(stage(json=False))
    caller.send(request("POST", "/interactions", b"", {"Content-Length": "2049"}))
    (answer,) = caller.answers()
    assert answer.status == 413
    assert msgspec.json.decode(answer.body)["title"] == "Request Entity Too Large"


def test_all_bodies_together_are_bounded() -> None:
    web = stage()
    head = request("POST", "/interactions", b"", {"Content-Length": "2048"})
    callers = [Caller(web) for _ in range(MOST_BUFFERED + 1)]
    for caller in callers:
        caller.send(head + b"x" * 2047)
    (refused,) = [answer for caller in callers for answer in caller.answers()]
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    assert msgspec.json.decode(refused.body)["inDoubt"] is False
    for caller in callers:
        caller.lose()
    (answer,) = Caller(web).ask("POST", "/interactions", b"{}" + b" " * 2046)
    assert answer.status == 201


def test_a_request_that_trickles_is_refused_after_a_time() -> None:
    web = stage(request_timeout=10)
    caller = Caller(web)
    for byte in GET[:9]:
        caller.send(bytes([byte]))
        web.later(1)
    assert caller.answers() == []
    web.later(1)
    (answer,) = caller.answers()
    assert answer.status == 408
    web.later(LINGER_SECONDS)
    assert caller.is_closed()


def test_an_empty_line_and_no_request_is_closed_without_a_word() -> None:
    web = stage(request_timeout=10)
    caller = Caller(web)
    caller.send(b"\r\n")
    web.later(10)
    assert caller.answers() == []
    assert caller.is_closed()


def test_a_connection_that_does_nothing_is_closed() -> None:
    web = stage(idle_timeout=10)
    fresh, used = Caller(web), Caller(web)
    web.later(9)
    used.send(GET)
    web.later(9)
    assert (fresh.is_closed(), used.is_closed()) == (True, False)
    web.later(1)
    assert used.is_closed()


def test_who_waits_for_an_answer_is_not_idle() -> None:
    web = stage(idle_timeout=10, busy_timeout=100)
    web.intake.close_room()
    caller = Caller(web)
    caller.send(request("GET", "/ping"))
    web.later(50)
    assert not caller.is_closed()
    web.intake.open_room()
    web.later(0)
    assert [answer.status for answer in caller.answers()] == [200]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 501 + b"\r\n",
    ],
)
def test_what_is_no_http_is_refused(raw: bytes) -> None:
    web = stage()
    caller = Caller(web)
    caller.send(raw)
    (answer,) = caller.answers()
    assert answer.status == 400
    assert msgspec.json.decode(answer.body)["detail"] == "not HTTP/1.1"
    caller.send(GET)
    assert caller.answers() == []
    web.later(LINGER_SECONDS)
    assert caller.is_closed()
    assert web.point.figures()["refused"] == 1


def test_a_line_without_an_end_is_refused() -> None:
    web = stage()
    caller = Caller(web)
    caller.send(b"GET /" + b"x" * 20_000)
    assert [answer.status for answer in caller.answers()] == [431]
    web.later(LINGER_SECONDS)
    assert caller.is_closed()


def test_more_connections_than_allowed_are_turned_away() -> None:
    web = stage(max_connections=2)
    first, second = Caller(web), Caller(web)
    assert Caller(web).lost
    second.lose()
    assert not Caller(web).lost
    assert [answer.status for answer in first.ask("GET", "/health")] == [200]
    assert web.point.figures()["turned-away"] == 1


def test_who_reads_nothing_gets_one_answer_and_is_closed_after_a_time() -> None:
    web = stage(idle_timeout=10)
    caller = Caller(web)
    caller.protocol.pauseProducing()
    caller.send(GET * 100)
    assert len(caller.answers()) == 1
    web.later(10)
    assert caller.is_closed()


def test_who_reads_slowly_gets_all_answers() -> None:
    web = stage()
    caller = Caller(web)
    caller.protocol.pauseProducing()
    caller.send(GET * 5)
    caller.protocol.resumeProducing()
    web.later(0)
    assert len(caller.answers()) == 5


def test_the_answer_to_a_lost_caller_goes_nowhere() -> None:
    web = stage()
    caller = Caller(web)
    caller.protocol.dataReceived(request("POST", "/interactions", b"{}"))
    caller.lose()
    web.later(0)
    assert len(web.intake.taken) == 1
    assert caller.transport.value() == b""
    assert web.point.figures()["lost"] == 1


def test_a_query_is_taken_apart_whatever_it_is() -> None:
    caller = Caller(stage())
    for query in ("?", "?a", "?a=b&a=c", "?=&&=", "?%zz=%ff+%20", "?a=b?c"):
        assert [answer.status for answer in caller.ask("GET", f"/health{query}")] == [200]


def test_a_path_is_unquoted_after_it_was_split() -> None:
    web = stage()
    Caller(web).ask("GET", "/interactions/a%2Fb%20c+d")
    assert web.intake.documents[0].operations[0].interaction_id == "a/b c+d"
