"""Each rule of calls can be broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.errors import Code, RequestRefused
from ixproxy.testing.simulation import rules_of_calls as rules
from ixproxy.testing.simulation.calling import CLIENT_REFID
from ixproxy.testing.simulation.calls import ASKED_FOR, ECHO, FAULT, LATE, MARK
from ixproxy.testing.simulation.players import Asked
from ixproxy.testing.simulation.run import Run
from tests.testing.simulation.small_worlds import one, pushed_to, running, submitted

NAMED = {CLIENT_REFID: 7}


def called(run: Run, outcome: Any, sort: str = "router", **envelope: Any) -> Asked:
    """A call with the mark m7, and what it came to."""
    request = m.Request3rdServer(
        tenant_id=1,
        envelope3rd_server={"AppName": "archive", "Method": ECHO, **envelope},
        extension=NAMED,
    )
    asked = Asked(3, one(run, sort), request, Deferred(), run.now(), ("m7",), outcome=outcome)
    run.asked.append(asked)
    return asked


def response(server: str = "archive", **more: Any) -> m.Event3rdServerResponse:
    """An answer as it should be."""
    said = {"Parameters": {MARK: "m7", "server": server}}
    usual = {"user_data": {"of": "m7"}, "extension": NAMED, "envelope3rd_server": said}
    return m.Event3rdServerResponse(**{**usual, **more})


def said(found: Iterator[str]) -> str:
    """What a rule says first; "" when it is kept."""
    return next(found, "")


def test_what_was_refused_was_not_called_and_is_not_later() -> None:
    with running(services=True) as run:
        rule = rules.what_was_refused_is_not_called
        asked = called(run, RequestRefused(Code.SERVICE_QUEUE_FULL))
        assert said(rule(run, asked)) == ""
        assert "m7" in run.calls.forbidden
        run.calls.made["m7"] = ["archive"]
        assert "m7 was made at archive, but #3 was refused with 3072" in said(rule(run, asked))


def test_what_is_in_doubt_may_have_been_called() -> None:
    with running(services=True) as run:
        run.calls.made["m7"] = ["archive"]
        asked = called(run, RequestRefused(Code.SERVICE_TIMED_OUT))
        assert said(rules.what_was_refused_is_not_called(run, asked)) == ""
        assert run.calls.forbidden == {}


def test_an_answer_is_that_of_the_server_that_was_meant() -> None:
    with running(services=True) as run:
        rule = rules.a_call_is_answered_by_whom_it_was_for
        assert "no server" in said(rule(run, called(run, response())))
        run.calls.made["m7"] = ["archive"]
        assert said(rule(run, called(run, response()))) == ""
        assert said(rule(run, called(run, response(), AppName="classifier-1")))
        run.calls.made["m7"] = ["archive", "archive"]
        assert said(rule(run, called(run, response())))


@pytest.mark.parametrize(
    ("type", "server", "kept"),
    [
        ("Classification Server", "classifier-2", True),
        ("classification-server", "classifier-2", True),
        ("Contact Server", "classifier-2", False),
    ],
)
def test_a_type_means_any_server_of_it(type: str, server: str, kept: bool) -> None:
    with running(services=True) as run:
        run.calls.made["m7"] = [server]
        asked = called(run, response(server), AppType=type)
        assert isinstance(asked.request, m.Request3rdServer)
        del asked.request.envelope3rd_server["AppName"]
        rule = rules.a_call_is_answered_by_whom_it_was_for
        assert (said(rule(run, asked)) == "") == kept


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_data": {"of": "m8"}},
        {"extension": {CLIENT_REFID: 8}},
        {"envelope3rd_server": {"Parameters": {MARK: "m8", "server": "archive"}}},
    ],
)
def test_an_answer_that_is_another_calls(wrong: dict[str, Any]) -> None:
    with running(services=True) as run:
        run.calls.made["m7"] = ["archive"]
        asked = called(run, response(**wrong))
        assert said(rules.a_call_is_answered_by_whom_it_was_for(run, asked))


@pytest.mark.parametrize(
    ("method", "code", "kept"),
    [(FAULT, ASKED_FOR, True), (FAULT, "InternalFault", False), (ECHO, ASKED_FOR, False)],
)
def test_only_the_fault_that_was_asked_for(method: str, code: str, kept: bool) -> None:
    with running(services=True) as run:
        run.calls.made["m7"] = ["archive"]
        fault = m.Event3rdServerFault(fault_code=code, extension=NAMED)
        asked = called(run, fault, Method=method)
        assert (said(rules.a_call_is_answered_by_whom_it_was_for(run, asked)) == "") == kept
        asked = called(run, response(), Method=FAULT)
        assert said(rules.a_call_is_answered_by_whom_it_was_for(run, asked))


def test_whoever_is_there_is_known() -> None:
    with running(services=True) as run:
        rule = rules.a_call_is_answered_by_whom_it_was_for
        refused = RequestRefused(Code.SERVICE_UNKNOWN)
        assert "is refused as unknown" in said(rule(run, called(run, refused)))
        assert said(rule(run, called(run, refused, AppName="nobody"))) == ""
        run.calls.made["m7"] = ["archive"]
        assert said(rule(run, called(run, response(), AppName="nobody")))


def test_in_a_calm_world_servers_are_connected() -> None:
    for calm in (True, False):
        with running(services=True, calm=calm) as run:
            rule = rules.a_call_is_answered_by_whom_it_was_for
            refused = RequestRefused(Code.SERVICE_NOT_CONNECTED)
            assert bool(said(rule(run, called(run, refused)))) == calm
            run.calls.servers[0].kill()
            assert said(rule(run, called(run, refused))) == ""
            run.calls.servers[0].start()
            called(run, refused, Method=LATE)
            assert said(rule(run, called(run, refused))) == ""


def test_what_a_call_finds_is_of_one_node_and_counted() -> None:
    with running(services=True) as run:
        first, second = submitted(run, 1), submitted(run, 2)
        assert run.ledger.born[first] != run.ledger.born[second]
        rule = rules.what_is_found_by_a_call_is_of_one_node

        def found(count: int, *ids: str, **parameters: Any) -> str:
            output = {"Interactions": {each: {} for each in ids}, "Count": count, "HaveMore": 0}
            asked = called(
                run,
                m.Event3rdServerResponse(envelope3rd_server={"Parameters": output}),
                AppType="InteractionServer",
                Parameters=parameters,
            )
            return said(rule(run, asked))

        assert found(1, first) == ""
        assert "says 2" in found(2, first)
        assert "different nodes" in found(2, first, second)
        assert "or on none" in found(1, "never")
        assert found(1, first, Limit="1") == ""
        assert "are wanted" in found(1, first, Limit=0)
        fault = m.Event3rdServerFault(fault_code="InvalidType", fault_string="no")
        assert "is a fault" in said(rule(run, called(run, fault, AppType="InteractionServer")))


def test_pings() -> None:
    def ping(run: Run, sort: str, outcome: Any) -> str:
        asked = Asked(3, one(run, sort), m.RequestPing(), Deferred(), 0.0, outcome=outcome)
        return said(rules.pings_are_refused_by_proxies(run, asked))

    with running(pushed=True, calm=True) as run:
        pushed_to(run)
        unsupported = RequestRefused(Code.UNSUPPORTED_OPERATION)
        assert ping(run, "mail", unsupported) == ""
        assert "answered by a proxy" in ping(run, "mail", m.EventPing())
        assert "refused with 3006" in ping(run, "mail", RequestRefused(Code.NOT_ALLOWED))
        assert ping(run, "urs", m.EventPing()) == ""
        assert "refused by a node" in ping(run, "urs", unsupported)
