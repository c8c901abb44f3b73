"""Whatever comes, the web service answers or closes; it never fails, and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from ixproxy.capture.iwd_language import IwdLanguage
from ixproxy.capture.json_face import ROUTES, JsonFace
from ixproxy.capture.soap_face import NativeLanguage, SoapFace
from ixproxy.capture.soap_names import OPERATIONS
from ixproxy.capture.web_settings import TaskQueues
from ixproxy.capture.web_values import Asked, Call, Face, Reply
from ixproxy.node.intake_work import Taken
from tests.capture.web_stage import SOAP_PATH, Caller, Interactions, WebStage, envelope, request

ROUNDS = 8_000
PIECES = (
    b"<", b">", b"</", b"/>", b"&", b"&amp;", b"&#0;", b"&#xD800;", b"&lt;", b"]]>", b"<![CDATA[",
    b"<!--", b"-->", b"<?", b"?>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"xmlns=''", b"\xff", b"\0",
    b"{", b"}", b"[", b"]", b'"', b"\\", b"\\ud800", b"\\u0000", b":", b",", b"null", b"true",
    b"-", b"1e9", b"9" * 40, b"\xe2\x80\xa8", b"\xed\xa0\x80", b" ", b"\r\n", b"'", b"=", b"%",
    b"xsi:nil='true'", b"ixn:", b"s:", b"kvitem", b"ValueInt", b"Extension", b"operations",
)  # fmt: skip

ITEM = "<ixn:kvitem><ixn:key>k</ixn:key><ixn:value><ixn:{0}>{1}</ixn:{0}></ixn:value></ixn:kvitem>"
NESTED = ITEM.format("ValueList", ITEM.format("ValueInt", "12"))
SOAP = [
    envelope(
        f"<ixn:{name}>"
        + "".join(
            f"<ixn:{field.name}>{text}</ixn:{field.name}>"
            for field in shape.fields
            for text in [NESTED if field.kind.value.endswith("List") else "1"]
        )
        + f"</ixn:{name}>"
    )
    for name, shape in OPERATIONS.items()
]
IWD = [
    envelope(f"<{name}>{inner}</{name}>")
    for name in ("createTask", "holdTaskByTaskId", "updateTaskByCaptureId", "getTaskByTaskId")
    for inner in (
        "<taskId>1</taskId><actor>a</actor>",
        "<captureId>1</captureId><dueDateTime>2026-01-01T00:00:00.5Z</dueDateTime><priority>1"
        "</priority><data><entry><key>a</key><value>b</value></entry></data>",
    )
]
JSON = [
    b'{"interactionId":"X","externalId":"E","properties":{"Queue":"In","Priority":3},'
    b'"userData":{"a":{"b":{"c":"\\u00e9"}}},"hold":false}',
    b'{"properties":{"a":1},"userData":{},"deleted":["a","b"]}',
    b'{"reason":{"systemName":"a","description":"b"}}',
    b'{"operations":[{"operation":"submit","externalId":"E"},{"operation":"ping"},'
    b'{"operation":"update","interactionId":"X","deleted":["c"]}]}',
]


def mangled(random: Random, raw: bytes) -> bytes:
    """`raw` with some of it cut out, doubled, moved, or replaced by what may hurt."""
    made = bytearray(raw)
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(made) + 1)
        end = min(len(made), start + random.choice((0, 1, 1, 2, 5, 20, 200)))
        match random.randrange(5):
            case 0:
                del made[start:end]
            case 1:
                made[start:start] = made[start:end] * random.randint(1, 3)
            case 2:
                made[start:end] = random.choice(PIECES) * random.randint(1, 3)
            case 3:
                made[start:end] = random.randbytes(end - start)
            case 4:
                made[start:start] = random.choice(PIECES)
    return bytes(made)


def outcome(face: Face, asked: Asked, there: Interactions) -> Reply:
    """The answer to a request, its work done."""
    read = face.read(asked)
    if isinstance(read, Call):
        return read.done(Taken(results=tuple(there.results(read.document))))
    return read


@pytest.mark.parametrize(
    ("make", "samples"),
    [
        (lambda: SoapFace(NativeLanguage(), "http://a/b", lambda: 0.0), SOAP),
        (lambda: SoapFace(IwdLanguage("a", TaskQueues()), "http://a/b", lambda: 0.0), IWD),
    ],
    ids=["native", "iwd"],
)
def test_an_envelope_is_answered_whatever_it_is(
    make: Callable[[], SoapFace], samples: list[bytes]
) -> None:
    random, face, there = Random(1), make(), Interactions()
    statuses: dict[int, int] = {}
    for _ in range(ROUNDS):
        charset = random.choice(("", "utf-8", "utf-16", "iso-8859-1", "us-ascii", "x"))
        headers = {"content-type": f"text/xml; charset={charset}"}
        body = mangled(random, random.choice(samples))
        reply = outcome(face, Asked(method="POST", headers=headers, body=body), there)
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
    assert set(statuses) == {200, 500}


def test_a_body_of_json_is_answered_whatever_it_is() -> None:
    random, face, there = Random(2), JsonFace("a"), Interactions()
    asks = [(pattern, method) for pattern, makers in ROUTES.items() for method in makers]
    asks += [(("batch",), "POST")] * 5
    statuses: dict[int, int] = {}
    for _ in range(2 * ROUNDS):
        pattern, method = random.choice(asks)
        path = tuple(
            random.choice(("X", "\0", "ä", "")) if "{" in each else each for each in pattern
        )
        body = mangled(random, random.choice(JSON))
        headers = {"content-type": "application/json"}
        reply = outcome(face, Asked(method=method, path=path, headers=headers, body=body), there)
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
    assert {200, 201, 400, 404} <= set(statuses) <= {200, 201, 400, 404, 409, 422}


def test_a_connection_is_answered_or_closed_whatever_comes() -> None:
    random, web = Random(3), WebStage(max_document_size=4096)
    samples = [
        request("POST", SOAP_PATH, SOAP[0], {"Content-Type": "text/xml"}),
        request("POST", "/interactions", JSON[0], {"Idempotency-Key": '"a"'}),
        request("GET", "/interactions/X?a=b", b"", {"Authorization": "Basic YTpi"}),
        request("POST", "/batch", JSON[3], {"Expect": "100-continue"}),
        b"POST /interactions HTTP/1.1\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ]
    for _ in range(ROUNDS // 2):
        caller = Caller(web)
        raw = mangled(random, b"".join(random.choices(samples, k=random.randint(1, 3))))
        cut = random.randrange(len(raw) + 1)
        caller.send(raw[:cut])
        caller.send(raw[cut:])
        if random.random() < 0.9:
            caller.lose()
    web.later(200)
    figures = web.point.figures()
    assert figures["failed"] == 0
    assert figures["in-flight"] == 0
    assert web.factory._held == 0
    assert int(str(figures["answered"])) > ROUNDS // 10
