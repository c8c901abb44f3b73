from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tests.failures import LoggedFailures

log = Logger()

CONFTEST = """
from tests.conftest import clean_reactor, logged_failures, module_failures, pytest_pyfunc_call
"""


def fail_and_log(error: Exception) -> None:
    try:
        raise error
    except Exception:
        log.failure("While testing")


def test_a_failure_is_kept_until_it_is_flushed(logged_failures: LoggedFailures) -> None:
    fail_and_log(KeyError("one"))
    fail_and_log(ValueError("two"))
    assert "While testing" in logged_failures.report()
    [taken] = logged_failures.flush(KeyError)
    assert str(taken) == "'one'"
    assert "two" in logged_failures.report()
    assert [type(error) for error in logged_failures.flush()] == [ValueError]
    assert logged_failures.report() == ""


def test_a_line_without_a_failure_is_no_failure(logged_failures: LoggedFailures) -> None:
    log.error("{what} is wrong, and says so", what="nothing")
    assert logged_failures.report() == ""


def test_a_failure_nobody_looked_at_is_one(logged_failures: LoggedFailures) -> None:
    Deferred[None]().errback(KeyError("dropped"))
    assert len(logged_failures.flush(KeyError)) == 1


LEAKS = """
from twisted.internet import reactor
from twisted.internet.defer import fail
from twisted.internet.protocol import Factory

def test_failure(): fail(KeyError("unexpected"))
def test_after_the_failure(): pass
def test_timer(): reactor.callLater(60, print)
def test_after_the_timer(): pass
def test_port(): reactor.listenTCP(0, Factory(), interface="127.0.0.1")
def test_after_the_port(): pass
"""


def test_what_a_test_leaves_in_the_log_or_the_reactor_fails_it_and_not_the_next(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=LEAKS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=6, errors=3)
    wanted = [
        ("failure", "logged, and not expected:"),
        ("timer", "left behind in the reactor:"),
        ("port", "left behind in the reactor:"),
    ]
    for name, reason in wanted:
        result.stdout.fnmatch_lines([f"*ERROR at teardown of test_{name} *", reason])


CALLS = """
import pytest
import pytest_twisted
from hypothesis import given, strategies
from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.internet.task import deferLater

@pytest.mark.parametrize("parameter", [1, 2])
@given(number=strategies.integers())
def test_property(parameter, number): assert number < 100

@pytest_twisted.ensureDeferred
async def test_reactor(): assert await deferLater(reactor, 0, lambda: 3) == 3

@given(number=strategies.integers())
@pytest_twisted.ensureDeferred
async def test_reactor_property(number): assert await succeed(number) == number

async def test_unmarked(): pass
def test_deferred(): return succeed(1)
def test_after(): pass
"""


def test_a_failing_property_fails_alone_and_an_unmarked_coroutine_is_no_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=CALLS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=3, failed=4)
    failed = [line.split("::")[1].split(" ")[0] for line in result.outlines if "FAILED" in line]
    assert failed == ["test_property[1]", "test_property[2]", "test_unmarked", "test_deferred"]
