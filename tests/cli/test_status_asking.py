"""Whom `ixctl status` asks, and what it makes of answers."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, fail

from ixproxy.cli.status_asking import Target, in_short, question, targets_of
from ixproxy.errors import Code, RequestRefused
from ixproxy.messages import EventServerStatus
from tests.cli.statuses import node, proxy
from tests.deferreds import failure_of

FILE = Path(__file__).parent.parent.parent / "examples" / "three-nodes.toml"


def test_a_file_says_whom_to_ask_and_which_nodes_a_proxy_has() -> None:
    targets = {each.name: each for each in targets_of(Namespace(config=FILE, application=None))}
    assert targets["ixn1-b"].primary == targets["ixn1-b"].pair == "ixn1"
    assert targets["proxy1"].nodes == ("ixn1", "ixn2", "ixn3")
    assert targets["ixn1"].nodes is None
    args = Namespace(config=None, application=None, connect="tcp:h:1")
    assert targets_of(args) == [Target("tcp:h:1", "tcp:h:1")]


@pytest.mark.parametrize(
    ("reason", "short"),
    [
        (
            "no server could be reached: Connection was refused by other side: 111: "
            "Connection refused.",
            "connection refused",
        ),
        ("3013: Too many clients", "3013: Too many clients"),
        ("no server could be reached: timed out.", "timed out"),
    ],
)
def test_reasons_for_not_being_connected_are_short(reason: str, short: str) -> None:
    assert in_short(reason) == short


def test_a_record_has_the_whole_status() -> None:
    record = node().record("up", ["too bad"])
    assert record["problems"] == ["too bad"]
    assert record["dbid"] == 101
    status = record["status"]
    assert isinstance(status, dict)
    assert status["NodeStatus"]["Store"] == "sqlite"


def test_a_refusal_that_is_no_sign_of_age_is_a_failure() -> None:
    class Refusing:
        server = None

        def request(self, message: object) -> Deferred[EventServerStatus]:
            return fail(RequestRefused(Code.STOPPING))

    asked = Deferred.fromCoroutine(question(Refusing(), proxy()))  # type: ignore[arg-type]
    assert isinstance(failure_of(asked), RequestRefused)
