"""`ixctl status`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventError,
    EventPing,
    EventServerStatus,
    EventWorkbinTypesInfo,
    LinkStatus,
    NodeStatus,
    ProxyStatus,
    RequestPing,
    RequestServerStatus,
    RequestWorkbinTypesInfo,
    ServerFacts,
)
from ixproxy.wire.prefix import Flag
from tests.cli.worlds import TIME_OF_DAY, CommandWorld
from tests.client.servers import Server

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"
NODES = ("ixn1", "ixn2", "ixn3")
EARLIER = EventError(error_code=Code.BAD_FRAME, error_description="name 4 is no request")


def node(world: CommandWorld, port: int, name: str) -> Server:
    server = Server()
    dbid = 100 + port % 10
    server.facts = ServerFacts(
        name=name, role="node", dbid=dbid, epoch=3, tenants=[1], last_event_number=40
    )
    status = EventServerStatus(
        name=name, role="node", time=TIME_OF_DAY, node_status=NodeStatus(dbid=dbid, epoch=3)
    )
    server.replies[RequestServerStatus] = lambda _: status
    world.network.listen(f"127.0.0.1:{port}", server)
    return server


def proxy(world: CommandWorld, port: int, name: str, down: str = "") -> Server:
    server = Server()
    server.facts = ServerFacts(name=name, role="proxy", tenants=[1])
    links = [
        LinkStatus(node=each, state="down" if each == down else "linked", seconds=9.0)
        for each in NODES
    ]
    status = EventServerStatus(
        name=name, role="proxy", time=TIME_OF_DAY, proxy_status=ProxyStatus(links=links)
    )
    server.replies[RequestServerStatus] = lambda _: status
    world.network.listen(f"127.0.0.1:{port}", server)
    return server


def everything(world: CommandWorld, down: str = "") -> None:
    for number, name in enumerate(NODES, 1):
        node(world, 7100 + number, name)
    for number in (1, 2):
        proxy(world, 7000 + number, f"proxy{number}", down)


def test_every_application_of_a_file_is_asked(world: CommandWorld) -> None:
    everything(world)
    ran = world.run("status", "--config", str(FILE), "--json")
    assert ran.code == 0
    states = {record["application"]: record["state"] for record in ran.records}
    assert states == {
        "ixn1": "up", "ixn1-b": "standby or down", "ixn2": "up", "ixn2-b": "standby or down",
        "ixn3": "up", "ixn3-b": "standby or down", "proxy1": "up", "proxy2": "up",
    }  # fmt: skip
    assert all(record["problems"] == [] for record in ran.records)
    assert world.run("status", "--config", str(FILE)).stdout.startswith("no problems\n")


def test_one_that_should_be_there_and_is_not_is_exit_code_3(world: CommandWorld) -> None:
    node(world, 7101, "ixn1")
    ran = world.run("status", "--config", str(FILE))
    assert ran.code == 3
    assert ran.stdout.startswith("4 problems\n  ixn2 does not answer at tcp:127.0.0.1:7102: ")
    assert "proxy1 does not answer" in ran.stdout


def test_a_node_that_a_proxy_does_not_reach_is_exit_code_3(world: CommandWorld) -> None:
    everything(world, down="ixn2")
    ran = world.run("status", "--config", str(FILE), "--json")
    assert ran.code == 3
    (problem,) = ran.records[-1]["problems"]
    assert problem.startswith("ixn2 is down for proxy2 since ")
    assert ran.records[-1]["status"]["ProxyStatus"]["Links"][1]["State"] == "down"


def test_the_backup_serves_for_its_pair(world: CommandWorld) -> None:
    node(world, 7111, "ixn1")
    ran = world.run("status", "--config", str(FILE), "--application", "ixn1-b", "--json")
    assert (ran.code, ran.records[0]["state"]) == (0, "up")


def test_it_is_asked_again_until_stopped(world: CommandWorld) -> None:
    world.reply(RequestServerStatus, EventServerStatus(time=TIME_OF_DAY))
    running, stdout, _ = world.start("status", "--connect", "tcp:s:1", "--watch", "5", "--json")
    world.clock.run_until(lambda: stdout.getvalue().count("\n") == 3, 60)
    assert not running.called
    assert 10 <= world.clock.seconds() - 1000.0 < 11
    running.addErrback(lambda _: None)
    running.cancel()


def test_a_node_of_an_earlier_version_says_its_statistics(world: CommandWorld) -> None:
    world.server.facts = ServerFacts(name="ixn1", role="node", dbid=101, epoch=3, tenants=[1])
    world.reply(RequestServerStatus, EARLIER)
    world.reply(RequestPing, EventPing(statistics={"Clients": 5, "Interactions": {"Queued": 7}}))
    ran = world.ixctl("status")
    assert ran.code == 0
    assert "earlier version" in ran.stdout
    assert "Queued  7" in ran.stdout


@pytest.mark.parametrize("code", [int(Code.BAD_FRAME), int(Code.UNSUPPORTED_YET)])
@pytest.mark.parametrize(
    ("answer", "flags", "linked"),
    [
        (EventWorkbinTypesInfo(), 0, "all"),
        (EventWorkbinTypesInfo(), Flag.PARTIAL, "some"),
        (EventError(error_code=Code.NOT_ACCESSIBLE), 0, "none"),
        (EventError(error_code=Code.NOT_ALLOWED), 0, "3006"),
    ],
)
def test_a_proxy_of_an_earlier_version_says_whether_its_nodes_are_linked(
    world: CommandWorld, answer: Any, flags: int, linked: str, code: int
) -> None:
    world.reply(RequestServerStatus, EventError(error_code=code))
    running, stdout, _ = world.start("status", "--connect", "tcp:s:1", "--json")
    assert isinstance(world.asked[-1], RequestWorkbinTypesInfo)
    world.server.last.answer(answer, flags=flags)
    world.clock.run_until(lambda: running.called, 30)
    assert running.result == 0
    assert f'"nodes_linked":{{"1":"{linked}"}}' in stdout.getvalue()


@pytest.mark.parametrize(
    "argv",
    [
        ("--connect", "tcp:s:1", "--application", "x"),
        ("--config", str(FILE), "--application", "nobody"),
        ("--config", str(FILE), "--application", "desktops"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(world: CommandWorld, argv: tuple[str, ...]) -> None:
    assert world.run("status", *argv).code == 2


def test_a_server_that_cannot_be_reached_is_reported(world: CommandWorld) -> None:
    world.network.refuse("s:1")
    ran = world.ixctl("status", "--json")
    assert ran.code == 3
    assert ran.records[0]["state"] == "away"
    assert ran.records[0]["failure"]


def test_a_server_that_is_asked_by_its_address_goes_by_its_name(world: CommandWorld) -> None:
    world.reply(RequestServerStatus, EventServerStatus(time=TIME_OF_DAY))
    (record,) = world.ixctl("status", "--json").records
    assert (record["application"], record["endpoint"]) == ("proxy1", "tcp:s:1")


def test_a_server_that_refuses_to_say_is_there_all_the_same(world: CommandWorld) -> None:
    world.reply(RequestServerStatus, EventError(error_code=Code.STOPPING))
    ran = world.ixctl("status")
    assert ran.code == 0
    assert "does not say how it is: 3022" in ran.stdout
