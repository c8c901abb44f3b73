"""Connecting a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionProperties,
    EventPulledInteractions,
    RequestGetInteractionProperties,
    RequestPlaceInQueue,
    RequestPull,
    ServerFacts,
)
from tests.cli.worlds import ENDPOINT, OTHER, CommandWorld

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"
PULLED = EventPulledInteractions(interactions={"id-1": {}}, take_numbers={"id-1": 7})


@pytest.fixture(autouse=True)
def replies(world: CommandWorld) -> None:
    world.reply(RequestGetInteractionProperties, EventInteractionProperties())
    world.reply(RequestPull, PULLED)
    world.reply(RequestPlaceInQueue, EventAck())


def test_a_command_registers_asks_and_says_goodbye(world: CommandWorld) -> None:
    assert world.ixctl("show", "id-1").code == 0
    (registered,) = world.server.registered
    assert (registered.client_name, registered.client_type) == ("ixctl", "AgentApplication")
    assert world.goodbyes == 1
    assert world.server.last.closed


def test_name_type_and_tenant_can_be_said(world: CommandWorld) -> None:
    world.ixctl("show", "id-1", "--name", "probe", "--as", "MediaServer", "--tenant", "5")
    (registered,) = world.server.registered
    assert (registered.client_name, registered.client_type) == ("probe", "MediaServer")
    assert world.asked == [RequestGetInteractionProperties(tenant_id=5, interaction_id="id-1")]


def test_the_only_tenant_of_the_server_is_meant_if_none_is_named(world: CommandWorld) -> None:
    world.ixctl("show", "id-1")
    assert world.asked == [RequestGetInteractionProperties(tenant_id=1, interaction_id="id-1")]
    world.server.facts = ServerFacts(tenants=[1, 2])
    ran = world.ixctl("show", "id-1", "--json")
    assert ran.code == 2
    assert "the server serves: 1, 2" in str(ran.records[0]["description"])


def test_a_password_is_no_argument(world: CommandWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IXCTL_PASSWORD", "secret")
    world.ixctl("show", "id-1", "--user", "kim")
    credentials = world.server.registered[0].credentials
    assert credentials is not None
    assert (credentials.user, credentials.password) == ("kim", "secret")


def test_nobody_there_is_exit_code_3(world: CommandWorld) -> None:
    world.network.refuse("s:1")
    ran = world.ixctl("show", "id-1")
    assert ran.code == 3
    assert ENDPOINT in ran.stderr


def test_a_refused_registration_is_exit_code_1(world: CommandWorld) -> None:
    world.server.refusal = Code.NOT_ALLOWED
    ran = world.ixctl("show", "id-1", "--json")
    assert (ran.code, ran.records[0]["error"]) == (1, Code.NOT_ALLOWED)


def test_an_endpoint_that_is_none_is_a_usage_error(world: CommandWorld) -> None:
    ran = world.run("show", "id-1", "--connect", "nonsense:1")
    assert ran.code == 2
    assert "nonsense" in ran.stderr


@pytest.mark.parametrize(
    "argv", [("--connect", ENDPOINT, "--application", "x"), ("--config", str(FILE))]
)
def test_a_file_and_an_application_belong_together(
    world: CommandWorld, argv: tuple[str, ...]
) -> None:
    assert world.run("show", "id-1", *argv).code == 2


def test_an_application_of_a_file_is_found_and_the_next_one_tried(
    world: CommandWorld, tmp_path: Path
) -> None:
    text = FILE.read_text()
    for port, name in (("7001", "s:1"), ("7002", "t:1")):
        world.network.listen(f"127.0.0.1:{port}", world.server if name == "s:1" else world.other)
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    ran = world.run(
        "show", "id-1", "--config", str(path), "--application", "proxy1", "--tenant", "Branch"
    )
    assert ran.code == 0
    assert world.asked == [RequestGetInteractionProperties(tenant_id=2, interaction_id="id-1")]


def test_what_was_taken_stays_with_a_session_from_command_to_command(
    world: CommandWorld, tmp_path: Path
) -> None:
    session = str(tmp_path / "session")
    assert world.ixctl("pull", "Q1/All", "--session", session).code == 0
    assert world.goodbyes == 0
    assert json.loads(Path(session).read_text())["holding"] == {"id-1": 7}
    assert world.ixctl("place", "id-1", "Q2", "--session", session).code == 0
    first, second = world.server.registered
    assert second.session == first.session
    assert second.incarnation > first.incarnation
    assert second.holding == {"id-1": 7}
    assert second.client_type == "RoutingEngine"
    assert json.loads(Path(session).read_text())["holding"] == {}


def test_a_session_stays_what_it_is(world: CommandWorld, tmp_path: Path) -> None:
    session = str(tmp_path / "session")
    world.ixctl("pull", "Q1/All", "--session", session)
    ran = world.ixctl("place", "id-1", "Q2", "--session", session, "--as", "MediaServer")
    assert ran.code == 2
    assert "is the session of a RoutingEngine" in ran.stderr


def test_a_session_survives_a_failed_attempt_with_a_higher_incarnation(
    world: CommandWorld, tmp_path: Path
) -> None:
    session = str(tmp_path / "session")
    world.ixctl("pull", "Q1/All", "--session", session)
    world.network.refuse("s:1")
    assert world.ixctl("place", "id-1", "Q2", "--session", session).code == 3
    world.network.accept("s:1")
    assert world.ixctl("place", "id-1", "Q2", "--session", session).code == 0
    assert world.server.registered[-1].incarnation > world.server.registered[0].incarnation + 1
    assert world.server.registered[-1].holding == {"id-1": 7}


def test_without_a_server_that_answers_a_request_is_in_doubt(world: CommandWorld) -> None:
    del world.server.replies[RequestPlaceInQueue]
    ran = world.ixctl("place", "id-1", "Q2", "--timeout", "2", "--json")
    assert ran.code == 4
    assert ran.records[0]["in_doubt"] is True


def test_a_second_endpoint_is_not_asked_for_one(world: CommandWorld) -> None:
    world.network.refuse("s:1")
    world.ixctl("show", "id-1")
    assert world.other.registered == []
    assert OTHER != ENDPOINT
