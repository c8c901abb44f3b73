from __future__ import annotations

import pytest

from ixproxy.errors import (
    ERRORS,
    Code,
    CommitUncertain,
    ConfigError,
    ConfigProblem,
    IxproxyError,
    LocalProtocolError,
    NodeUnavailable,
    Outcome,
    PluginError,
    ProtocolError,
    RemoteProtocolError,
    RequestRefused,
    StorageError,
    describe,
    in_doubt,
)

CODES = {name: value for name, value in vars(Code).items() if name.isupper()}


def test_every_code_has_exactly_one_row_under_its_own_number() -> None:
    assert sorted(CODES.values()) == sorted(ERRORS)
    assert len(set(CODES.values())) == len(CODES)
    assert all(row.code == code for code, row in ERRORS.items())


def test_every_text_is_said_of_one_code_only() -> None:
    texts = [row.text for row in ERRORS.values()]
    assert len(set(texts)) == len(texts)
    assert all(text and not text.endswith(".") for text in texts)


def test_the_documented_codes_of_the_proxy_are_all_there_and_no_others() -> None:
    documented = {
        2000: "Unsupported operation",
        2001: "There are no servers accepting this media/tenant",
        2002: "Lost connection to one of the asked servers",
        2003: "Interaction not accessible",
        2004: "Operation already in progress",
        2005: "More than one server contain interaction with same ID",
        2006: "Snapshot not accessible",
    }
    assert {code: row.text for code, row in ERRORS.items() if 2000 <= code < 3000} == documented


def test_our_own_codes_lie_in_the_three_thousands() -> None:
    fields_own = {2, 34, 43, 69}
    assert {code for code in ERRORS if code < 2000} == fields_own
    assert all(3000 <= code <= 3099 for code in ERRORS if code > 2006)


def test_only_what_may_have_happened_is_in_doubt() -> None:
    doubtful = {code for code in ERRORS if in_doubt(code)}
    services = {Code.SERVICE_TIMED_OUT, Code.SERVICE_LOST}
    assert doubtful == {Code.LOST_CONNECTION, Code.STORE_UNCERTAIN, Code.INTERNAL, *services}
    assert not in_doubt(4711)
    assert ERRORS[Code.BUSY].outcome is Outcome.NOTHING_DONE


def test_an_unknown_code_is_described_as_such() -> None:
    assert describe(43) == "Unknown interaction identifier specified"
    assert describe(4711) == "Error 4711"


def test_a_refusal_says_what_the_table_says_unless_told_otherwise() -> None:
    plain = RequestRefused(Code.LOST_CONNECTION)
    assert plain.description == "Lost connection to one of the asked servers"
    assert plain.in_doubt
    assert str(plain) == "2002: Lost connection to one of the asked servers"
    told = RequestRefused(Code.LOST_CONNECTION, "ixn1 is gone", in_doubt=False)
    assert (told.code, told.description, told.in_doubt) == (2002, "ixn1 is gone", False)
    assert not RequestRefused(4711).in_doubt
    assert RequestRefused(43, in_doubt=True).in_doubt


def test_a_broken_rule_of_the_wire_says_whether_the_stream_goes_on() -> None:
    problem = RemoteProtocolError(Code.BAD_FRAME, "kind is 9, expected 1 to 7")
    assert str(problem) == "3004: kind is 9, expected 1 to 7"
    assert not problem.fatal
    assert RemoteProtocolError(Code.UNSUPPORTED_VERSION, "2", fatal=True).fatal


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (LocalProtocolError, ProtocolError),
        (RemoteProtocolError, ProtocolError),
        (ProtocolError, IxproxyError),
        (RequestRefused, IxproxyError),
        (NodeUnavailable, IxproxyError),
        (CommitUncertain, StorageError),
        (StorageError, IxproxyError),
        (PluginError, ConfigError),
        (ConfigError, IxproxyError),
    ],
)
def test_every_error_of_ours_has_one_root(kind: type[Exception], parent: type[Exception]) -> None:
    assert issubclass(kind, parent)


def test_a_mistake_in_a_file_says_where_it_is() -> None:
    problem = ConfigProblem("applications.ixn1", "dbid", "a number is expected", 12)
    assert str(problem) == "line 12: [applications.ixn1] dbid: a number is expected"
    assert str(ConfigProblem("tenants", "", "there is none")) == "[tenants]: there is none"
    assert str(ConfigProblem("", "", "it is empty")) == "(file): it is empty"


def test_all_mistakes_stand_in_one_report() -> None:
    problems = [ConfigProblem("a", "b", "one"), ConfigProblem("c", "d", "two")]
    error = ConfigError(problems)
    assert error.problems == tuple(problems)
    assert str(error) == "[a] b: one\n[c] d: two"
    assert ConfigError("no such file").problems == (ConfigProblem("", "", "no such file"),)
