from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from zope.interface.verify import verifyObject

from ixproxy.capture.web_service import DRAIN_SECONDS, LISTEN_AGAIN_SECONDS, make
from ixproxy.errors import ConfigError
from ixproxy.interfaces import ICapturePointMaker
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.plugin import find_maker
from ixproxy.testing.fake_intake import FakeIntake, Say
from tests.capture.web_stage import Caller, WebStage, request
from tests.deferreds import no_result, result_of


def test_it_is_found_by_its_name_and_made_without_a_trace() -> None:
    made = find_maker(ICapturePointMaker, "webservice").make({"listen": "tcp:8080"})
    assert verifyObject(ICapturePoint, made)
    assert made.figures() == {"state": "idle"}
    assert made.wanted == frozenset()
    with pytest.raises(ConfigError, match="colour"):
        make({"listen": "tcp:8080", "colour": "red"})


def test_it_listens_where_it_is_told_to() -> None:
    web = WebStage(listen="tcp:8081:interface=127.0.0.1")
    assert [server[0] for server in web.reactor.tcpServers] == [8081]
    assert web.point.figures()["state"] == "connected"


def occupied() -> Any:
    """A reactor on which nobody can listen, unless its `listenTCP` is deleted."""

    def refuse(port: int, *rest: object, **more: object) -> None:
        raise CannotListenError("127.0.0.1", port, OSError(98, "Address already in use"))

    made: Any = MemoryReactorClock()
    made.listenTCP = refuse
    return made


def test_a_port_that_cannot_be_had_is_tried_again() -> None:
    reactor = occupied()
    point = make({"listen": "tcp:8080"})
    point.begin(FakeIntake(reactor))
    assert str(point.figures()["state"]).startswith("connecting: ")
    assert "in use" in str(point.figures()["state"])
    reactor.advance(LISTEN_AGAIN_SECONDS)
    del reactor.listenTCP
    reactor.advance(LISTEN_AGAIN_SECONDS)
    assert point.figures()["state"] == "connected"


def test_what_cannot_be_listened_on_ends_all_the_same() -> None:
    reactor = occupied()
    point = make({"listen": "tcp:8080"})
    point.begin(FakeIntake(reactor))
    assert result_of(point.end()) is None
    assert reactor.getDelayedCalls() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"listen": "systemd:domain=INET:name=none"},
        {"users-file": "/nowhere/users"},
        {"certificate": "/nowhere/c.pem", "private-key": "/nowhere/k.pem"},
    ],
)
def test_what_is_missing_now_may_be_there_later(settings: dict[str, object]) -> None:
    reactor: Any = MemoryReactorClock()
    point = make({"listen": "tcp:8080", **settings})
    point.begin(FakeIntake(reactor))
    assert str(point.figures()["state"]).startswith("connecting: ")
    reactor.advance(LISTEN_AGAIN_SECONDS)
    assert len(reactor.getDelayedCalls()) == 1
    assert result_of(point.end()) is None


def test_one_that_never_began_ends_at_once() -> None:
    assert result_of(make({"listen": "tcp:8080"}).end()) is None


def test_it_has_nobody_to_tell() -> None:
    assert result_of(make({"listen": "tcp:8080"}).tell([])) is None


def test_idle_connections_end_with_it_and_others_are_answered_first() -> None:
    web = WebStage()
    web.intake.answers = [Say.LATE]
    idle, busy, half = Caller(web), Caller(web), Caller(web)
    busy.send(request("POST", "/interactions", b"{}"))
    half.send(b"POST /interactions HTTP/1.1\r\nContent-")
    ended = no_result(web.point.end())
    assert (idle.is_closed(), half.is_closed(), busy.is_closed()) == (True, True, False)
    idle.lose()
    half.lose()
    web.intake.settle()
    (answer,) = busy.answers()
    assert answer.status == 201
    assert answer.headers["connection"] == "close"
    assert busy.is_closed()
    busy.lose()
    assert result_of(ended) is None
    assert web.reactor.getDelayedCalls() == []


def test_who_waits_for_room_at_the_end_is_told_to_come_again() -> None:
    web = WebStage()
    web.intake.close_room()
    caller = Caller(web)
    caller.send(request("POST", "/interactions", b"{}"))
    web.point.end()
    (told,) = caller.answers()
    assert told.status == 503
    assert web.intake.documents == []
    assert Caller(web).lost


def test_who_does_not_let_go_is_let_go() -> None:
    web = WebStage()
    web.intake.answers = [Say.LATE]
    caller = Caller(web)
    caller.send(request("POST", "/interactions", b"{}"))
    ended = no_result(web.point.end())
    web.later(2 * DRAIN_SECONDS)
    assert caller.lost
    assert result_of(ended) is None


def test_nothing_is_handed_in_after_the_end() -> None:
    web = WebStage()
    web.intake.answers = [Say.LATE]
    caller = Caller(web)
    caller.send(request("GET", "/ping") + request("GET", "/ping"))
    web.point.end()
    web.intake.settle()
    assert len(caller.answers()) == 1
    assert len(web.intake.documents) == 1
