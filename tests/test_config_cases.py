"""Every rule and advice has its case, says what the case says it says, and stands in the docs."""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.config import check
from ixproxy.config_check import Findings
from ixproxy.config_lines import Path as TablePath
from ixproxy.errors import ConfigProblem
from tests.config_capture_cases import DOUBTS_OF_CAPTURE, MISTAKES_OF_CAPTURE
from tests.config_cases import GOOD, Case, put
from tests.config_doubts import DOUBTS as DOUBTS_OF_SERVERS
from tests.config_doubts_of_clients import DOUBTS_OF_CLIENTS
from tests.config_eventlog_cases import DOUBTS_OF_EVENT_LOGS, MISTAKES_OF_EVENT_LOGS
from tests.config_mistakes import MISTAKES
from tests.config_mistakes_across import MISTAKES_ACROSS
from tests.config_mistakes_of_trust import MISTAKES_OF_TRUST

ROOT = Path(__file__).parent.parent
ERRORS = (
    *MISTAKES,
    *MISTAKES_ACROSS,
    *MISTAKES_OF_TRUST,
    *MISTAKES_OF_CAPTURE,
    *MISTAKES_OF_EVENT_LOGS,
)
DOUBTS = (*DOUBTS_OF_SERVERS, *DOUBTS_OF_CLIENTS, *DOUBTS_OF_CAPTURE, *DOUBTS_OF_EVENT_LOGS)
NOT_SERVED = "not served yet"
REPORTING = {"error", "warning", "setting", "advise", "advise_setting"}
# A plug-in of somebody else that breaks: tests/test_config_plugins.py shows it. And no table is
# without effect now: tests/test_config_check.py shows how one would be.
SHOWN_ELSEWHERE = {
    ("config_plugins.py", "case.findings.error(path, named_by, text)"),
    (
        "config_check.py",
        "findings.warning(path, '', f'known, but not served yet: {table.until_served}')",
    ),
}


def ids(case: Case) -> str:
    return case.rule


def without_unserved(problems: tuple[ConfigProblem, ...], case: Case) -> list[str]:
    """What is said, without that a table has no effect, unless the case is about that."""
    said = [str(problem) for problem in problems]
    return said if NOT_SERVED in case.says else [each for each in said if NOT_SERVED not in each]


def test_the_good_file_is_good() -> None:
    report = check(GOOD)
    assert (report.errors, report.warnings) == ((), ())


@pytest.mark.parametrize("case", ERRORS, ids=ids)
def test_a_mistake_is_said_with_its_place_and_nothing_else_is(case: Case) -> None:
    report = check(case.text)
    assert sorted(map(str, report.errors)) == sorted([case.says, *case.also])
    assert report.deployment is None


@pytest.mark.parametrize("case", DOUBTS, ids=ids)
def test_advice_is_said_with_its_place_and_the_file_can_be_used(case: Case) -> None:
    report = check(case.text)
    assert report.errors == ()
    assert report.deployment is not None
    said = without_unserved(report.warnings, case)
    if NOT_SERVED in case.says:
        assert case.says in said
    else:
        assert sorted(said) == sorted([case.says, *case.also])


def places_that_report() -> Iterator[tuple[str, range]]:
    """Every call, in the modules of the deployment file, by which something is reported."""
    for path in sorted((ROOT / "ixproxy").glob("config*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in REPORTING
                and (path.name, ast.unparse(node)) not in SHOWN_ELSEWHERE
            ):
                assert node.end_lineno is not None
                yield path.name, range(node.lineno, node.end_lineno + 1)


def test_whatever_can_be_reported_has_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: set[tuple[str, int]] = set()
    report = Findings._problem

    def watched(self: Findings, path: TablePath, key: str, text: str) -> ConfigProblem:
        frame = sys._getframe(1)
        while frame is not None and Path(frame.f_code.co_filename).name.startswith("config"):
            reached.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
            assert frame.f_back is not None
            frame = frame.f_back
        return report(self, path, key, text)

    monkeypatch.setattr(Findings, "_problem", watched)
    for case in (*ERRORS, *DOUBTS):
        check(case.text)
    missing = [
        f"ixproxy/{name}:{lines.start}: no case in tests/config_mistakes*.py or config_doubts.py"
        for name, lines in places_that_report()
        if not any((name, line) in reached for line in lines)
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_no_two_cases_show_the_same() -> None:
    for cases in (ERRORS, DOUBTS):
        assert len({case.rule for case in cases}) == len(cases)
        assert len({(case.says, case.puts) for case in cases}) == len(cases)


def test_every_case_says_where_it_comes_from() -> None:
    assert {case.source.split(" ")[0].strip(",") for case in (*ERRORS, *DOUBTS)} == {
        "design",
        "guide",
    }


def test_lines_are_put_into_tables() -> None:
    text = "[a]\nx = 1\ny = 2\n\n[b]\nx = 3\n"
    assert put(text, "a", "y = 4") == "[a]\nx = 1\ny = 4\n\n[b]\nx = 3\n"
    assert put(text, "b", "-x\nz = 5") == "[a]\nx = 1\ny = 2\n\n[b]\nz = 5\n"
    assert put(text, "c", "x = 6") == text + "[c]\nx = 6\n"
    assert put(text, "[a.d]", "x = 7") == text + "[[a.d]]\nx = 7\n"


def test_the_page_is_what_the_cases_say(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "doc" / "check_config_page.py"), run_name="__main__")
    page = (ROOT / "doc" / "check-config.md").read_text()
    assert capsys.readouterr().out == page, "run `make protocol`"
