"""How a command can end: exit codes that scripts can trust, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum

from ixproxy.errors import (
    ConfigError,
    IxproxyError,
    LocalProtocolError,
    NodeUnavailable,
    RequestRefused,
)


class Exit(IntEnum):
    """Every exit code of `ixctl`."""

    OK = 0
    REFUSED = 1
    """The answer is an error and nothing was done; or a check did not pass."""
    USAGE = 2
    """The command line or the deployment file is not usable; nothing was asked."""
    UNREACHABLE = 3
    """No connection, or it was lost for good."""
    IN_DOUBT = 4
    """The request may have been carried out all the same."""
    INTERRUPTED = 130
    """Stopped by SIGINT or SIGTERM."""


class UsageError(IxproxyError):
    """Arguments that make no sense together; the text says what was expected."""


def exit_code(problem: BaseException) -> Exit | None:
    """The exit code for what ended a command; None: a bug, to be shown whole."""
    match problem:
        case RequestRefused():
            return Exit.IN_DOUBT if problem.in_doubt else Exit.REFUSED
        case ConfigError() | UsageError() | LocalProtocolError():
            # What cannot be encoded was said so on the command line.
            return Exit.USAGE
        case NodeUnavailable():
            return Exit.UNREACHABLE
        case IxproxyError():
            return Exit.REFUSED
        case KeyboardInterrupt():
            return Exit.INTERRUPTED
    return None


def error_record(problem: BaseException) -> dict[str, object]:
    """An error as the object that `--json` prints."""
    match problem:
        case RequestRefused():
            return {
                "error": problem.code,
                "description": problem.description,
                "in_doubt": problem.in_doubt,
            }
        case ConfigError():
            return {
                "error": "configuration",
                "problems": [
                    {"table": each.table, "key": each.key, "line": each.line, "text": each.text}
                    for each in problem.problems
                ],
            }
        case UsageError() | LocalProtocolError():
            return {"error": "usage", "description": str(problem)}
        case NodeUnavailable():
            return {"error": "connection", "description": str(problem)}
        case IxproxyError():
            return {"error": "failed", "description": str(problem)}
    return {"error": "interrupted", "description": str(problem)}
