"""`ixctl` against a real cluster: three nodes and two proxies, processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytest_twisted import blockon
from twisted.internet.defer import Deferred

from ixproxy.cli.demo_deployment import deployment_text, plan
from ixproxy.testing.processes import RealCluster

pytestmark = pytest.mark.processes


class Shell:
    """Runs commands of `ixctl` and reads what they print."""

    def __init__(self, cluster: RealCluster, directory: Path) -> None:
        self.cluster = cluster
        self.directory = directory

    def raw(self, *argv: str, code: int = 0) -> list[dict[str, Any]]:
        """Run a command as it is; the objects that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "ixproxy.cli.main", *argv, "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert done.returncode == code, (argv, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def __call__(self, *argv: str, code: int = 0, at: str = "clients") -> list[dict[str, Any]]:
        """Run a command that connects to an application of the deployment."""
        where = ("--config", str(self.cluster.file), "--application", at)
        return self.raw(*argv, *where, code=code)

    def submit(self, queue: str, *argv: str) -> str:
        """Hand in one e-mail; its id."""
        (record,) = self("submit", "--media-type", "email", "--queue", queue, *argv)
        identifier = record["interaction_id"]
        assert isinstance(identifier, str)
        return identifier

    def properties(self, identifier: str) -> dict[str, Any]:
        """What the cluster shows of an interaction."""
        (record,) = self("show", identifier)
        found: dict[str, Any] = record["properties"]
        return found


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, twisted_greenlet: Any, real_reactor: Any
) -> Iterator[RealCluster]:
    directory = tmp_path_factory.mktemp("ixctl")
    text = deployment_text(plan(directory, ["email", "chat"], QUEUES, Random(1)))
    running = RealCluster(real_reactor, directory, text)
    blockon(Deferred.fromCoroutine(running.start()))
    yield running
    blockon(Deferred.fromCoroutine(running.stop()))


QUEUES = ["Life", "Return", "Session", "Desk", "Ids", "Load", "Still", "Moved"]


@pytest.fixture
def ixctl(cluster: RealCluster, tmp_path: Path) -> Shell:
    return Shell(cluster, tmp_path)


def test_an_interaction_from_its_submit_to_its_end(ixctl: Shell) -> None:
    identifier = ixctl.submit("Life", "-d", "Subject=Grüße", "--external-id", "x-1")
    found = ixctl("find", "Queue = 'Life'", "--order", "Priority DESC")
    assert found[0]["interaction_id"] == identifier
    assert found[-1] == {"interactions": 1, "partial": False, "have_more": False}
    ixctl("change", identifier, "--add", "Priority:=7", "--set", "Subject=Hello")
    shown = ixctl.properties(identifier)
    assert shown["UserData"] == {"Subject": "Hello", "ExternalId": "x-1", "Priority": 7}
    assert (shown["Queue"], shown["MediaType"], shown["Priority"]) == ("Life", "email", 7)
    ixctl("stop", identifier, "--reason", "done")
    (refused,) = ixctl("show", identifier, code=1)
    assert (refused["error"], refused["in_doubt"]) == (43, False)


def test_what_a_pull_took_goes_back_with_the_goodbye(ixctl: Shell) -> None:
    identifier = ixctl.submit("Return")
    before = ixctl.properties(identifier)
    pulled = ixctl("pull", "Return/All")
    assert pulled[0]["interaction_id"] == identifier
    assert pulled[0]["properties"]["StrategyId"] == "ixctl"
    assert pulled[0]["take_number"] > 0
    assert ixctl.properties(identifier) == before
    assert ixctl("pull", "Return/All", "--for-strategy", "--then", "stop")[-1]["interactions"] == 1
    assert ixctl("pull", "Return/All")[-1]["interactions"] == 0


def test_with_a_session_it_stays_from_command_to_command(ixctl: Shell) -> None:
    identifier = ixctl.submit("Session")
    session = ("--session", str(ixctl.directory / "session"))
    ixctl("pull", "Session/All", *session)
    assert ixctl.properties(identifier)["InteractionState"] == 2
    assert ixctl("pull", "Session/All")[-1]["interactions"] == 0
    ixctl("place", identifier, "Return", "--add", "Note=seen", *session)
    shown = ixctl.properties(identifier)
    assert (shown["InteractionState"], shown["Queue"]) == (0, "Return")
    assert shown["UserData"] == {"Note": "seen"}
    ixctl("stop", identifier)


def test_a_snapshot_of_a_node_from_command_to_command(ixctl: Shell) -> None:
    """It holds still what waits, until it is moved and released, or its session ends."""
    node = "ixn1"
    first, second = (
        ixctl("submit", "--media-type", "email", "--queue", "Still", at=node)[0]["interaction_id"]
        for _ in range(2)
    )
    of = ("--session", str(ixctl.directory / "snapshot"))
    taken, *shown = ixctl("snapshot", "take", "Queue = 'Still'", "--lock", *of, at=node)
    number = str(taken["snapshot_id"])
    assert [record.get("interaction_id") for record in shown] == [first, second, None]
    assert ixctl("pull", "Still/All", at=node)[-1]["interactions"] == 0
    ixctl("snapshot", "unlock", number, first, *of, at=node)
    assert ixctl("pull", "Still/All", "-n", "9", at=node)[-1]["interactions"] == 1
    assert ixctl("snapshot", "move", number, "Moved", *of, at=node)[-1]["moved"] == 2
    ixctl("snapshot", "release", number, *of, at=node)
    (error,) = ixctl("snapshot", "show", number, *of, at=node, code=1)
    assert error["error"] == 3064
    stopped = ixctl("snapshot", "take", "Queue = 'Moved'", "--then", "stop", at=node)
    assert stopped[-1] == {"stopped": 2, "not_stopped": 0}


def test_an_agent_works_from_login_to_logout(ixctl: Shell) -> None:
    identifier = ixctl.submit("Desk")
    session = ("--session", str(ixctl.directory / "kim"))
    workbin = ("Drafts", "--of-agent", "kim")
    (login,) = ixctl("agent-state", "login", "kim", "email", "chat=0", "--place", "p1", *session)
    assert login["agent_session"]
    ixctl("agent-state", "ready", "kim", "chat", *session)
    ixctl("agent-state", "not-ready", "kim", "email", *session)
    pulled = ixctl("pull", "Desk/All", *session)
    assert pulled[0]["properties"]["AgentId"] == "kim"
    assert ixctl.properties(identifier)["InteractionState"] == 3
    ixctl("place", identifier, "--workbin", *workbin, *session)
    assert ixctl("workbin", "types") == [{"workbin": "Drafts", "settings": {"Owner": "agent"}}]
    content = ixctl("workbin", "content", *workbin)
    assert [each.get("interaction_id") for each in content] == [identifier, None]
    ixctl("pull", "--id", identifier, *session)
    ixctl("stop", identifier, *session)
    ixctl("agent-state", "logout", "kim", *session)
    (refused,) = ixctl("pull", "Desk/All", *session, code=1)
    assert refused["error"] == 34


def test_a_pull_by_ids_names_those_that_are_not_there(ixctl: Shell) -> None:
    ids = [ixctl.submit("Ids") for _ in range(4)]
    named = [option for each in [*ids, "nobody"] for option in ("--id", each)]
    *taken, summary, missing = ixctl("pull", *named, "--then", "stop", code=1)
    assert {each["interaction_id"] for each in taken} == set(ids)
    assert summary == {"interactions": 4, "partial": True, "have_more": False}
    assert (missing["interaction_id"], missing["error"]) == ("nobody", 43)


def test_a_receipt_makes_a_repeat_harmless(ixctl: Shell) -> None:
    argv = ("submit", "--media-type", "chat", "--queue", "Ids", "--receipt", "r-1", "--name", "c1")
    (first,), (again,) = ixctl(*argv), ixctl(*argv)
    assert first["interaction_id"] == again["interaction_id"]
    assert (first["repeated"], again["repeated"]) == (False, True)
    ixctl("stop", first["interaction_id"])


def test_status_shows_every_process(ixctl: Shell) -> None:
    records = ixctl.raw("status", "--config", str(ixctl.cluster.file))
    assert {each["application"]: each["state"] for each in records} == dict.fromkeys(
        ("ixn1", "ixn2", "ixn3", "proxy1", "proxy2"), "up"
    )
    assert [each["problems"] for each in records] == [[]] * 5
    node, proxy = records[0]["status"], records[3]["status"]
    assert node["Process"]["Memory"] > 1 << 20
    assert node["NodeStatus"]["Store"] == "sqlite"
    assert {link["State"] for link in proxy["ProxyStatus"]["Links"]} == {"linked"}


def test_load_is_measured(ixctl: Shell) -> None:
    argv = ("--media-type", "email", "--queue", "Load", "--view", "Load/All")
    *kinds, summary = ixctl("load", *argv, "--count", "300", "--depth", "4", "--clients", "2")
    assert summary["requests"] == 300
    assert summary["errors"] == {}
    assert {each["request"] for each in kinds} == {"submit", "pull", "stop"}
    assert summary["ledger"]["right"] is True


def test_every_kind_of_request_is_a_load_whose_books_are_right(ixctl: Shell) -> None:
    mix = (
        "submit=4,pull=4,change=1,show=1,find=1,place=1,hold=1,resume=1,stop=3,workbin=1,"
        "content=1,fetch=1,login=1,logout=1"
    )
    argv = ("--media-type", "email", "--queue", "Load", "--view", "Load/All", "--mix", mix)
    workbin = ("--workbin", "Drafts", "--of-agent", "load")
    *kinds, summary = ixctl("load", *argv, *workbin, "--rate", "150", "--count", "450")
    assert summary["errors"] == {}
    assert len(kinds) == 14
    ledger = summary["ledger"]
    assert ledger["right"] is True, ledger
    assert summary["requests"] + summary["missed"] == 450


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (("submit", "--media-type", "telex", "--queue", "Life"), 1, 2003),
        (("submit", "--media-type", "email", "--queue", "Nowhere"), 1, 3032),
        (("pull", "Nowhere/All"), 1, 3033),
        (("find", "Colour = 'red'"), 1, 3036),
        (("show", "id-1", "--tenant", "Elsewhere"), 2, "usage"),
        (("agent-state", "logout", "nobody"), 1, 69),
    ],
)
def test_errors_have_their_codes(
    ixctl: Shell, argv: tuple[str, ...], code: int, error: object
) -> None:
    (record,) = ixctl(*argv, code=code)
    assert record["error"] == error
