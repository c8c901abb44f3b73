"""In CI a test that did not run is a failure, unless a list gives the reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def read_allowed(text: str) -> dict[str, str]:
    """
    The tests that may be skipped in CI, each with its reason.

    A line is `path::test_name: reason`; the name may leave out parameters,
    and a whole file may be named. Empty lines and lines that start with # say
    nothing.

    :raise ValueError: a line has no reason, or a test is named twice.
    """
    allowed: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, reason = line.partition(": ")
        if not separator or not reason.strip():
            raise ValueError(f"{ALLOWED.name}, line {number}: no reason after ': ' in {line!r}")
        if name in allowed:
            raise ValueError(f"{ALLOWED.name}, line {number}: {name} is named twice")
        allowed[name] = reason.strip()
    return allowed


def not_allowed(skipped: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """Those of the `skipped` tests that nothing in `allowed` covers, in order."""
    names = set(allowed)
    return [
        test
        for test in skipped
        if not names & {test, test.partition("[")[0], test.partition("::")[0]}
    ]


class SkipsCount:
    """A pytest plug-in that makes the run fail for each skip that is not allowed."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = set(allowed)
        self._skipped: dict[str, str] = {}

    def _seen(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        # An expected failure is reported as a skip too, and hides a defect just as well.
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._skipped[report.nodeid] = reason or getattr(report, "wasxfail", "")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seen(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._seen(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._refused() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if refused := self._refused():
            terminalreporter.section("skipped in CI, which is a failure", red=True)
            for test in refused:
                terminalreporter.line(f"{test}: {self._skipped[test]}")
            terminalreporter.line(f"A skip that is meant is listed, with its reason, in {ALLOWED}")

    def _refused(self) -> list[str]:
        return not_allowed(self._skipped, self._allowed)
