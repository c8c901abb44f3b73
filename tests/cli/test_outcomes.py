"""How a command can end."""

from __future__ import annotations

import pytest

from ixproxy.cli.outcomes import Exit, UsageError, error_record, exit_code
from ixproxy.errors import (
    ConfigError,
    ConfigProblem,
    LocalProtocolError,
    NodeUnavailable,
    RequestRefused,
    StorageError,
)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (RequestRefused(43), 1),
        (RequestRefused(2002), 4),
        (RequestRefused(43, in_doubt=True), 4),
        (ConfigError("no file"), 2),
        (UsageError("no"), 2),
        (NodeUnavailable("nobody"), 3),
        (LocalProtocolError("a name of 300 bytes"), 2),
        (StorageError("no such file"), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError(), None),
    ],
)
def test_every_way_to_end_has_its_code(problem: BaseException, code: int | None) -> None:
    assert exit_code(problem) == code


def test_a_refusal_is_printed_with_its_code_and_doubt() -> None:
    assert error_record(RequestRefused(2002)) == {
        "error": 2002,
        "description": "Lost connection to one of the asked servers",
        "in_doubt": True,
    }


def test_every_mistake_of_a_file_is_printed() -> None:
    problems = [ConfigProblem("applications.a", "listen", "no", 3), ConfigProblem("", "", "x")]
    record = error_record(ConfigError(problems))
    assert record["problems"] == [
        {"table": "applications.a", "key": "listen", "line": 3, "text": "no"},
        {"table": "", "key": "", "line": 0, "text": "x"},
    ]


def test_the_rest_says_what_it_is() -> None:
    assert error_record(UsageError("no"))["error"] == "usage"
    assert error_record(NodeUnavailable("no"))["error"] == "connection"
    assert error_record(LocalProtocolError("no"))["error"] == "usage"
    assert error_record(StorageError("no"))["error"] == "failed"
    assert error_record(KeyboardInterrupt())["error"] == "interrupted"
    assert Exit(0) is Exit.OK
