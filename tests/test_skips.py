from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from tests.skips import ALLOWED, SkipsCount, not_allowed, read_allowed

ROOT = Path(__file__).parent.parent

SKIPPING = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no broker here")
@pytest.mark.parametrize("n", [1, 2])
def test_skips(n): pass
"""


def run(
    pytester: pytest.Pytester, source: str, allowed: list[str]
) -> tuple[pytest.ExitCode | int, str]:
    """Run `source` as a test file in CI; its exit status, and what it printed."""
    pytester.makepyfile(test_it=source)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = pytest.main(["-p", "no:twisted", str(pytester.path)], [SkipsCount(allowed)])
    return status, printed.getvalue()


def test_a_skip_that_nobody_allowed_fails_the_run_and_is_named(pytester: pytest.Pytester) -> None:
    status, printed = run(pytester, SKIPPING, [])
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "test_it.py::test_skips[1]: Skipped: no broker here" in printed


@pytest.mark.parametrize("allowed", ["test_it.py", "test_it.py::test_skips"])
def test_an_allowed_skip_does_not_fail_the_run(pytester: pytest.Pytester, allowed: str) -> None:
    assert run(pytester, SKIPPING, [allowed])[0] == pytest.ExitCode.OK


def test_an_expected_failure_counts_as_a_skip(pytester: pytest.Pytester) -> None:
    source = "import pytest\n@pytest.mark.xfail\ndef test_fails(): assert False\n"
    assert run(pytester, source, [])[0] == pytest.ExitCode.TESTS_FAILED


def test_a_file_that_skips_itself_counts_as_a_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_beside="def test_runs(): pass\n")
    source = "import pytest\npytest.skip('no broker here', allow_module_level=True)\n"
    assert run(pytester, source, [])[0] == pytest.ExitCode.TESTS_FAILED


def test_a_list_names_tests_with_reasons() -> None:
    text = "# why\n\ntests/a.py::test_x[1]: needs: a broker\ntests/b.py: no such database\n"
    assert read_allowed(text) == {
        "tests/a.py::test_x[1]": "needs: a broker",
        "tests/b.py": "no such database",
    }


@pytest.mark.parametrize("text", ["tests/a.py", "tests/a.py: ", "t.py: one\nt.py: two"])
def test_a_list_without_reasons_or_with_doubles_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"allowed_skips\.txt, line"):
        read_allowed(text)


def test_one_parameter_may_be_allowed_without_the_others() -> None:
    assert not_allowed(["t.py::t[1]", "t.py::t[2]"], ["t.py::t[1]"]) == ["t.py::t[2]"]


def test_our_list_names_only_files_that_exist() -> None:
    for name in read_allowed(ALLOWED.read_text()):
        assert (ROOT / name.partition("::")[0]).is_file(), name
