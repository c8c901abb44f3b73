"""Random expressions and rows, and SQLite's own answer about them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st

from ixproxy.node.properties import Kind, Properties

CUSTOM = {"Product": "string", "product_Line": "string", "Amount": "number", "DueAt": "timestamp"}
PROPERTIES = Properties(CUSTOM)

NUMBERS = ("priority", "Priority", "service_objective", "IsOnline", "[TenantId]", "Amount")
STRINGS = ("[media_type]", "Queue", "external_id", '"Product"', "[product_Line]")
TIMES = ("ReceivedAt", "placed_in_queue_at", "DueAt")
TYPES = {
    Kind.NUMBER: "INTEGER",
    Kind.STRING: "TEXT",
    Kind.TIMESTAMP: "REAL",
    Kind.BLOB: "BLOB",
}
NOW = 1_767_323_045.25

whole_numbers = st.integers(-3, 12) | st.sampled_from(
    [2**31, 2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63) + 1]
)
real_numbers = st.sampled_from([0.0, 0.5, -2.5, 3.0, 1e18, 1e300, -1e-300])
words = st.text(st.sampled_from("aAb%_*?[]-^é€ '"), max_size=5)
moments = st.integers(-3, 3).map(lambda step: NOW + 30 * step) | st.sampled_from([0.0, 1e9])


def many(factor: float) -> settings:
    """So many times the examples of the profile in use."""
    return settings(max_examples=int(factor * settings().max_examples))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _joined(parts: st.SearchStrategy[str], operators: tuple[str, ...]) -> st.SearchStrategy[str]:
    pair = st.tuples(parts, st.sampled_from(operators), parts)
    return pair.map(" ".join) | pair.map(lambda three: f"({' '.join(three)})")


number_leaves = st.sampled_from(NUMBERS) | whole_numbers.map(str) | real_numbers.map(repr)
timed_leaves = number_leaves | st.sampled_from(
    ["_age()", "_TIME_IN_QUEUE()", "(_current_time() - DueAt)", "(ReceivedAt - delivered_at)"]
)


def numbers(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return _joined(inner, ("+", "-", "*", "/", "%")) | inner.map(lambda one: f"-({one})")

    return st.recursive(leaves, deeper, max_leaves=4)


strings = st.sampled_from(STRINGS) | words.map(quoted)
times = st.sampled_from(
    [*TIMES, "_current_time()", "_timestamp('2026-01-02 03:04:05')", "(ReceivedAt + 60)"]
)
comparing = st.sampled_from(["=", "==", "<>", "!=", "<", "<=", ">", ">="])
negated = st.sampled_from(["", "NOT "])


def predicates(kinds: list[st.SearchStrategy[str]]) -> st.SearchStrategy[str]:
    """Conditions over values of the kinds given."""
    leaves: list[st.SearchStrategy[str]] = []
    for one in kinds:
        leaves.append(st.tuples(one, comparing, one).map(" ".join))
        leaves.append(
            st.tuples(one, negated, one, one).map(
                lambda f: f"{f[0]} {f[1]}BETWEEN {f[2]} AND {f[3]}"
            )
        )
        listed = st.lists(one, min_size=1, max_size=3).map(", ".join)
        leaves.append(st.tuples(one, negated, listed).map(lambda f: f"{f[0]} {f[1]}IN ({f[2]})"))
        leaves.append(st.tuples(one, negated).map(lambda f: f"{f[0]} IS {f[1]}NULL"))

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return _joined(inner, ("AND", "OR")) | inner.map(lambda one: f"NOT ({one})")

    return st.recursive(st.one_of(leaves), deeper, max_leaves=5)


patterns = st.tuples(st.sampled_from(STRINGS), negated, words).map(
    lambda f: f"{f[0]} {f[1]}LIKE {quoted(f[2])}"
) | st.tuples(st.sampled_from(STRINGS), words.filter(lambda word: not word.endswith("-"))).map(
    lambda f: f"{f[0]} LIKE {quoted(f[1].replace('-', '--'))} ESCAPE '-'"
)
conditions = predicates([numbers(timed_leaves), strings, times]) | patterns


@st.composite
def rows(draw: st.DrawFn) -> dict[str, object]:
    """A row of `interactions`, as a store returns it."""
    values: dict[Kind, st.SearchStrategy[object]] = {
        Kind.NUMBER: whole_numbers,
        Kind.STRING: words,
        Kind.TIMESTAMP: moments,
        Kind.BLOB: st.just(b"\x80"),
    }
    row: dict[str, object] = {}
    for known in PROPERTIES:
        kind: st.SearchStrategy[object] = values[known.kind]
        if known.column == "c_amount":
            kind = kind | real_numbers
        row[known.column] = draw(st.none() | kind)
    return row


def stored(*rows: Mapping[str, object]) -> sqlite3.Connection:
    """SQLite with `rows`, numbered from 0 in the column `n`."""
    store = sqlite3.connect(":memory:")
    columns = ", ".join(
        f'"{known.column}" {"NUMERIC" if known.column == "c_amount" else TYPES[known.kind]}'
        for known in PROPERTIES
    )
    store.execute(f"CREATE TABLE interactions (n INTEGER, {columns})")
    marks = ", ".join(f":{known.column}" for known in PROPERTIES)
    empty: dict[str, object] = {known.column: None for known in PROPERTIES}
    store.executemany(
        f"INSERT INTO interactions VALUES (:n, {marks})",
        [{**empty, **row, "n": number} for number, row in enumerate(rows)],
    )
    return store


def answer(store: sqlite3.Connection, sql: str, bound: Mapping[str, object]) -> bool | None:
    """What SQLite makes of `sql` for its one row: true, false or unknown."""
    (found,) = store.execute(f"SELECT {sql} FROM interactions", dict(bound)).fetchone()
    return None if found is None else bool(found)
