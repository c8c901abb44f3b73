from __future__ import annotations

from collections.abc import Mapping

from ixproxy.config_check import Findings, Fitting, fit, instead
from ixproxy.config_keys import Key, Kind
from ixproxy.config_lines import Lines
from ixproxy.config_schema import Table

LEAF = Table(keys={"size": Key(Kind.WHOLE, 5, low=1, high=9)})
SCHEMA = Table(
    keys={
        "name": Key(Kind.TEXT, "", required=True),
        "later": Key(Kind.FLAG, False, served=False),
    },
    tables={"leaf": LEAF, "tomorrow": Table(tables={"leaf": LEAF}, served=False)},
    arrays={"leaves": LEAF},
)
TREES = Table(tables={"trees": Table(named=LEAF), "free": Table(keys=LEAF.keys, free=True)})


def fitted(
    given: Mapping[str, object], schema: Table = SCHEMA, text: str = ""
) -> tuple[Fitting, list[str], list[str]]:
    findings = Findings(Lines(text))
    fitting = fit(schema, given, ("top",), findings)
    return (
        fitting,
        [str(each) for each in findings.errors],
        [str(each) for each in findings.warnings],
    )


def test_what_fits_is_kept_and_what_is_not_given_is_default() -> None:
    fitting, errors, warnings = fitted({"name": "x", "leaf": {}, "leaves": [{"size": 2}, {}]})
    assert (errors, warnings) == ([], [])
    assert fitting.values == {"name": "x", "later": False}
    assert fitting.given == {"name"}
    assert fitting.tables["leaf"].values == {"size": 5}
    assert [each.values["size"] for each in fitting.arrays["leaves"]] == [2, 5]


def test_every_mistake_is_reported_with_its_table_key_and_line() -> None:
    text = "[top]\nsize = 1\n[top.leaf]\nsize = 10\n[[top.leaves]]\n[[top.leaves]]\nsiez = 1\n"
    given = {"size": 1, "leaf": {"size": 10}, "leaves": [{}, {"siez": 1}]}
    _, errors, _ = fitted(given, text=text)
    assert errors == [
        "line 2: [top] size: unknown key; it belongs in [top.leaf]",
        "line 4: [top.leaf] size:"
        " the number 10 is out of range: expected a whole number from 1 to 9",
        'line 7: [top.leaves#2] siez: unknown key; did you mean "size"?',
        "line 1: [top] name: missing; expected text",
    ]


def test_a_value_where_a_table_belongs_and_a_table_where_a_value_belongs_are_told_apart() -> None:
    _, errors, _ = fitted({"name": {}, "leaf": 1, "leaves": {}, "other": {}})
    assert errors == [
        "[top] name: expected text, not a table",
        "[top] leaf: expected a table, not the number 1",
        "[top] leaves: expected an array of tables ([[top.leaves]]), not a table",
        "[top] other: unknown table; expected name, later, leaf, tomorrow, leaves",
    ]


def test_what_is_not_served_yet_is_a_warning_said_once() -> None:
    given = {"name": "x", "later": True, "tomorrow": {"leaf": {"size": 1}}}
    fitting, errors, warnings = fitted(given)
    assert errors == []
    assert warnings == [
        "[top] later: known, but not served yet: it has no effect",
        "[top.tomorrow]: known, but not served yet: it has no effect",
    ]
    assert fitting.values["later"] is True


def test_a_table_that_is_not_served_yet_is_checked_all_the_same() -> None:
    _, errors, _ = fitted({"name": "x", "tomorrow": {"leaf": {"size": "big"}}})
    assert len(errors) == 1


def test_a_named_table_is_there_whatever_is_wrong_with_it() -> None:
    given = {"trees": {"oak": {"size": 3}, "elm": 7, " ash": {}}}
    fitting, errors, _ = fitted(given, TREES)
    trees = fitting.tables["trees"].named
    assert {name: each.values["size"] for name, each in trees.items()} == {
        "oak": 3, "elm": 5, " ash": 5,
    }  # fmt: skip
    assert [error.partition(":")[0] for error in errors] == ["[top.trees] elm", "[top.trees]  ash"]


def test_other_keys_of_a_free_table_pass_untouched() -> None:
    fitting, errors, _ = fitted({"free": {"size": 1, "any": [{"x": 1}]}}, TREES)
    assert errors == []
    assert fitting.tables["free"].rest == {"any": [{"x": 1}]}


def test_options_are_those_that_were_given() -> None:
    schema = Table(tables={"options": Table(tables={"settings": LEAF})})
    assert fitted({"options": {"settings": {"size": 2}}}, schema)[0].options("settings") == {
        "size": 2
    }
    assert fitted({"options": {"settings": {}}}, schema)[0].options("settings") == {}
    assert fitted({}, schema)[0].options("settings") == {}


def test_a_name_that_is_not_there_gets_the_one_meant_or_those_that_are() -> None:
    assert instead("ixn11", {"ixn1"}) == '; did you mean "ixn1"?'
    assert instead("x", {"b", "a"}) == "; there are: a, b"
    assert instead("x", ()) == "; there are: none"
    assert instead("x", [f"node-{n}" for n in range(40)]).endswith("and 28 more")


def test_no_message_is_longer_than_a_person_reads() -> None:
    findings = Findings(Lines(""))
    findings.error(("a" * 9999,), "b\n" * 9999, "c" * 9999)
    assert len(str(findings.errors[0])) < 1200
    assert "\n" not in str(findings.errors[0])
