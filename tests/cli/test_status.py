"""`ixctl status`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPing,
    EventWorkbinTypesInfo,
    RequestPing,
    RequestWorkbinTypesInfo,
    ServerFacts,
)
from ixproxy.wire.prefix import Flag
from tests.cli.worlds import CommandWorld
from tests.client.servers import Server

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"


def node(world: CommandWorld, port: int, name: str) -> Server:
    server = Server()
    server.facts = ServerFacts(
        name=name, role="node", dbid=100 + port % 10, epoch=3, tenants=[1], last_event_number=40
    )
    server.replies[RequestPing] = lambda _: EventPing(statistics={"Clients": 5})
    world.network.listen(f"127.0.0.1:{port}", server)
    return server


def test_a_node_says_its_statistics(world: CommandWorld) -> None:
    world.server.facts = ServerFacts(name="ixn1", role="node", dbid=101, epoch=3, tenants=[1])
    world.reply(RequestPing, EventPing(statistics={"Clients": 5, "Interactions": {"Queued": 7}}))
    ran = world.ixctl("status")
    assert ran.code == 0
    assert "node" in ran.stdout
    assert "Clients" in ran.stdout
    assert "Queued  7" in ran.stdout


@pytest.mark.parametrize(
    ("answer", "flags", "linked"),
    [
        (EventWorkbinTypesInfo(), 0, "all"),
        (EventWorkbinTypesInfo(), Flag.PARTIAL, "some"),
        (EventError(error_code=Code.NOT_ACCESSIBLE), 0, "none"),
        (EventError(error_code=Code.NOT_ALLOWED), 0, "3006"),
    ],
)
def test_a_proxy_says_whether_its_nodes_are_linked(
    world: CommandWorld, answer: EventWorkbinTypesInfo | EventError, flags: int, linked: str
) -> None:
    running, stdout, _ = world.start("status", "--connect", "tcp:s:1", "--json")
    assert isinstance(world.asked[-1], RequestWorkbinTypesInfo)
    world.server.last.answer(answer, flags=flags)
    world.clock.run_until(lambda: running.called, 30)
    assert running.result == 0
    assert f'"nodes_linked":{{"1":"{linked}"}}' in stdout.getvalue()


def test_every_application_of_a_file_is_asked(world: CommandWorld) -> None:
    for number in (1, 2, 3):
        node(world, 7100 + number, f"ixn{number}")
    for number in (1, 2):
        server = node(world, 7000 + number, f"proxy{number}")
        server.facts = ServerFacts(name=f"proxy{number}", role="proxy", tenants=[1])
        server.replies[RequestWorkbinTypesInfo] = lambda _: EventWorkbinTypesInfo()
    ran = world.run("status", "--config", str(FILE), "--json")
    assert ran.code == 0
    states = {record["application"]: record["state"] for record in ran.records}
    assert states == {
        "ixn1": "up", "ixn1-b": "standby", "ixn2": "up", "ixn2-b": "standby",
        "ixn3": "up", "ixn3-b": "standby", "proxy1": "up", "proxy2": "up",
    }  # fmt: skip


def test_one_that_should_be_there_and_is_not_is_exit_code_3(world: CommandWorld) -> None:
    node(world, 7101, "ixn1")
    ran = world.run("status", "--config", str(FILE))
    assert ran.code == 3
    assert "proxy1" in ran.stderr


def test_the_backup_serves_for_its_pair(world: CommandWorld) -> None:
    node(world, 7111, "ixn1-b")
    ran = world.run("status", "--config", str(FILE), "--application", "ixn1-b", "--json")
    assert (ran.code, ran.records[0]["state"]) == (0, "up")


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


def test_a_server_that_breaks_off_is_reported(world: CommandWorld) -> None:
    world.reply(RequestWorkbinTypesInfo, EventAck())
    world.network.refuse("s:1")
    ran = world.ixctl("status", "--json")
    assert ran.code == 3
    assert ran.records[0]["state"] == "away"
    assert ran.records[0]["problem"]
