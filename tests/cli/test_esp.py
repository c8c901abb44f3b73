"""`ixctl esp`."""

from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    Event3rdServerFault,
    Event3rdServerResponse,
    EventError,
    Request3rdServer,
)
from tests.cli.worlds import CommandWorld

CALL = ("esp", "--app-name", "responder", "--service", "AutoResponder", "--method", "Acknowledge")


def test_it_calls_and_prints_the_output_parameters(world: CommandWorld) -> None:
    world.reply(
        Request3rdServer,
        Event3rdServerResponse(
            envelope3rd_server={"Parameters": {"NewInteractionId": "0042"}},
            user_data={"Acknowledged": "1"},
        ),
    )
    ran = world.ixctl(
        *CALL, "-p", "Text=hello", "-p", "Count:=3", "-d", "Customer=kim", "--user-data",
        '{"More": 1}', "--id", "0041", "--media-type", "email",
    )  # fmt: skip
    assert ran.code == 0
    assert ran.stdout.splitlines() == ["NewInteractionId: 0042", "user data Acknowledged: 1"]
    assert world.asked == [
        Request3rdServer(
            tenant_id=1,
            media_type="email",
            interaction_id="0041",
            envelope3rd_server={
                "AppName": "responder",
                "Service": "AutoResponder",
                "Method": "Acknowledge",
                "Version": "1.0",
                "Parameters": {"Text": "hello", "Count": 3},
            },
            user_data={"More": 1, "Customer": "kim"},
        )
    ]


def test_scripts_get_an_object(world: CommandWorld) -> None:
    world.reply(
        Request3rdServer,
        Event3rdServerResponse(
            envelope3rd_server={"Method": "M", "Parameters": {"n": 1}},
            extension={"EspRequestId": "101-1-7"},
        ),
    )
    ran = world.ixctl("esp", "--app-type", "Custom Server", "--method", "M", "--json")
    assert ran.records == [
        {
            "parameters": {"n": 1},
            "user_data": {},
            "envelope": {"Method": "M", "Parameters": {"n": 1}},
            "request_id": "101-1-7",
        }
    ]


def test_an_answer_without_anything_is_said_to_be_one(world: CommandWorld) -> None:
    world.reply(Request3rdServer, Event3rdServerResponse())
    assert world.ixctl(*CALL).stdout == "answered, with nothing in it\n"


def test_a_fault_is_exit_code_1(world: CommandWorld) -> None:
    world.reply(Request3rdServer, Event3rdServerFault(fault_code="E1", fault_string="no such mail"))
    ran = world.ixctl(*CALL)
    assert (ran.code, ran.stdout) == (1, "fault E1: no such mail\n")
    assert world.ixctl(*CALL, "--json").records[0]["fault_code"] == "E1"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EventError(error_code=Code.SERVICE_UNKNOWN), 1),
        (EventError(error_code=Code.SERVICE_TIMED_OUT, in_doubt=True), 4),
    ],
)
def test_an_error_says_whether_the_call_may_have_been_made(
    world: CommandWorld, error: EventError, code: int
) -> None:
    world.reply(Request3rdServer, error)
    assert world.ixctl(*CALL).code == code


@pytest.mark.parametrize("whom", [(), ("--app-name", "a", "--app-type", "b")])
def test_it_must_be_said_who_is_called(world: CommandWorld, whom: tuple[str, ...]) -> None:
    ran = world.ixctl("esp", *whom, "--method", "M")
    assert ran.code == 2
    assert "--app-name or --app-type" in ran.stderr
