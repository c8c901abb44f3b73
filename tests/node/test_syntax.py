"""What expressions mean, and which are refused with what words."""

from __future__ import annotations

import pytest

from ixproxy.node.properties import Kind, Properties, Property
from ixproxy.node.syntax import MAX_ARITHMETIC, MAX_COMPARISONS, read_predicate, read_value
from ixproxy.node.terms import (
    All,
    Any,
    Arithmetic,
    Between,
    Comparison,
    Constant,
    IsNull,
    Like,
    Membership,
    Not,
    Now,
    Predicate,
    PropertyValue,
    Truth,
    Value,
    Wild,
)
from ixproxy.node.tokens import ExpressionError, read_pieces

PROPERTIES = Properties({"Product": "string", "Amount": "number", "DueAt": "timestamp"})


def term(text: str) -> Predicate:
    return read_predicate(read_pieces(text), text, PROPERTIES)


def column(name: str) -> PropertyValue:
    found = PROPERTIES.find(name)
    assert found is not None
    return PropertyValue(found)


def number(value: int | float) -> Constant:
    return Constant(value, Kind.NUMBER)


def text_of(value: str) -> Constant:
    return Constant(value, Kind.STRING)


def moment(value: float) -> Constant:
    return Constant(value, Kind.TIMESTAMP)


PRIORITY, QUEUE, RECEIVED = column("Priority"), column("Queue"), column("ReceivedAt")
MEDIA = column("MediaType")
ONE, TWO = Comparison("=", PRIORITY, number(1)), Comparison("=", PRIORITY, number(2))
THREE = Comparison("=", PRIORITY, number(3))


def minus(left: Value, right: Value) -> Arithmetic:
    return Arithmetic("-", left, right, Kind.NUMBER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Truth(True)),
        ("  ", Truth(True)),
        ("TRUE", Truth(True)),
        ("NOT false", Not(Truth(False))),
        ("[media_type] = 'chat'", Comparison("=", MEDIA, text_of("chat"))),
        ("InteractionMediatype == 'it''s'", Comparison("=", MEDIA, text_of("it's"))),
        ('"MediaType" != `media_type`', Comparison("<>", MEDIA, MEDIA)),
        ("priority > 5", Comparison(">", PRIORITY, number(5))),
        ("PRIORITY >= -5.5", Comparison(">=", PRIORITY, number(-5.5))),
        ("priority = 1OR priority=2", Any((ONE, TWO))),
        (
            "priority = -9223372036854775808",
            Comparison("=", PRIORITY, number(-(2**63))),
        ),
        ("priority = - -1", Comparison("=", PRIORITY, minus(number(0), number(-1)))),
        ("_age() > 60", Comparison(">", minus(Now(), RECEIVED), number(60))),
        (
            "_Time_In_Queue() > 60",
            Comparison(">", minus(Now(), column("PlacedInQueueAt")), number(60)),
        ),
        ("ReceivedAt < _current_time()", Comparison("<", RECEIVED, Now())),
        (
            "ReceivedAt < _timestamp('2026-01-02 03:04:05')",
            Comparison("<", RECEIVED, moment(1767323045.0)),
        ),
        (
            "'2026-01-02T03:04:05Z' <= DueAt",
            Comparison("<=", moment(1767323045.0), column("DueAt")),
        ),
        (
            "DueAt BETWEEN '1970-01-01' AND _current_time()",
            Between(column("DueAt"), moment(0.0), Now()),
        ),
        (
            "DueAt NOT IN ('1970-01-01')",
            Not(Membership(column("DueAt"), (moment(0.0),))),
        ),
        (
            "ReceivedAt - '1970-01-01' > 5",
            Comparison(">", minus(RECEIVED, moment(0.0)), number(5)),
        ),
        (
            "ReceivedAt + 5 * 60 < DueAt",
            Comparison(
                "<",
                Arithmetic(
                    "+",
                    RECEIVED,
                    Arithmetic("*", number(5), number(60), Kind.NUMBER),
                    Kind.TIMESTAMP,
                ),
                column("DueAt"),
            ),
        ),
        ("Queue IN ('a', 'b')", Membership(QUEUE, (text_of("a"), text_of("b")))),
        ("Queue IN ('a')", Membership(QUEUE, (text_of("a"),))),
        ("Product IS NULL", IsNull(column("Product"))),
        ("InQueues IS NOT NULL", Not(IsNull(column("InQueues")))),
        ("Queue LIKE 'a%_'", Like(QUEUE, ("a", Wild.ANY, Wild.ONE))),
        ("Queue NOT LIKE 'a'", Not(Like(QUEUE, ("a",)))),
        ("Queue LIKE '5!%%' ESCAPE '!'", Like(QUEUE, ("5", "%", Wild.ANY))),
        ("Queue NOT LIKE '!_' ESCAPE '!'", Not(Like(QUEUE, ("_",)))),
        ("priority=1 AND priority=2 OR priority=3", Any((All((ONE, TWO)), THREE))),
        ("priority=1 AND (priority=2 OR priority=3)", All((ONE, Any((TWO, THREE))))),
        ("priority=1 AND (priority=2 AND priority=3)", All((ONE, TWO, THREE))),
        ("NOT priority=1 AND priority=2", All((Not(ONE), TWO))),
    ],
)
def test_an_expression_means(text: str, expected: Predicate) -> None:
    assert term(text) == expected


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("Quux = 1", "unknown property 'Quux'", 0),
        (
            "priority = 1 AND product = 'x'",
            "unknown property 'product'; did you mean 'Product'",
            17,
        ),
        ("[] = 1", "unknown property ''", 0),
        ("priority = 'high'", "Priority (a number) cannot be compared with string 'high'", 0),
        ("Queue = 5", "Queue (a string) cannot be compared with the number 5", 0),
        ("priority IN (1, '2')", "cannot be compared with string '2'", 0),
        ("priority BETWEEN 1 AND 'x'", "cannot be compared", 0),
        ("Queue = priority", "cannot be compared with Priority (a number)", 0),
        ("ReceivedAt > 5", "ReceivedAt (a timestamp) cannot be compared with the number 5", 0),
        ("ReceivedAt > 'yesterday'", "'yesterday' is not a timestamp like", 0),
        ("ReceivedAt > _timestamp('x')", "'x' is not a timestamp like", 13),
        ("_timestamp(5) > ReceivedAt", "_timestamp() takes one text", 0),
        ("_timestamp() > ReceivedAt", "_timestamp() takes one text", 0),
        ("_timestamp('2026-01-02', '2026-01-02') > ReceivedAt", "takes one text", 0),
        ("_age(1) > 5", "_age() takes no argument", 0),
        ("_age() > 'x'", "cannot be compared", 0),
        ("_current_time() > 'x'", "is not a timestamp", 0),
        ("InQueues = 'x'", "only be asked for IS NULL", 0),
        ("InQueues = OutQueues", "only be asked for IS NULL", 0),
        ("priority", "a condition is expected, not a value", 0),
        ("5", "a condition is expected", 0),
        ("'x'", "a condition is expected", 0),
        ("priority AND Queue = 'x'", "a condition is expected", 0),
        ("NOT priority", "a condition is expected", 4),
        ("priority + 1", "a condition is expected", 0),
        ("_age()", "a condition is expected", 0),
        ("priority = 1 = 2", "a value is expected here", 0),
        ("(priority = 1) + 2 = 3", "a value is expected here", 1),
        ("priority = (Queue = 'x')", "a value is expected here", 12),
        ("priority IS NULL IS NULL", "a value is expected here", 0),
        ("priority = NULL", "NULL stands only after IS", None),
        ("priority IN (NULL)", "NULL stands only after IS", None),
        ("NULL", "this is not allowed", None),
        ("priority IS 5", "this is not allowed", 0),
        ("priority IS TRUE", "IS expects NULL", 0),
        ("IsOnline = TRUE", "write 1 or 0", None),
        ("Queue LIKE priority", "LIKE expects a pattern in quotes", 0),
        ("Queue LIKE 5", "LIKE expects a pattern in quotes", 0),
        ("priority LIKE '5%'", "LIKE expects a string, not a number", 0),
        ("Queue LIKE 'a!' ESCAPE '!'", "ends with its escape character", 0),
        ("Queue LIKE 'a' ESCAPE '!!'", "ESCAPE expects one character", 0),
        ("Queue IN 'x'", "IN expects a list", 0),
        ("Queue IN Product", "IN expects a list", 0),
        ("(Queue, Product) = ('x', 'y')", "this is not allowed", 1),
        ("Queue + 1 = 'x'", "a string + a number has no meaning", 0),
        ("Queue - 'x' = 1", "a string - a string has no meaning", 0),
        ("ReceivedAt * 2 > 5", "a timestamp * a number has no meaning", 0),
        ("ReceivedAt + DueAt > 5", "a timestamp + a timestamp has no meaning", 0),
        ("5 - ReceivedAt > 5", "a number - a timestamp has no meaning", 0),
        ("-Queue = 'x'", "a sign cannot stand before a string", 1),
        ("-'x' = Queue", "a sign cannot stand before a string", 1),
        ("priority = 9223372036854775808", "does not fit 64 bits", 11),
        ("priority = 1e999", "does not fit 64 bits", 11),
        ("priority = " + "9" * 400, "does not fit 64 bits", 11),
        ("priority = *", "a value is missing before '*'", 11),
    ],
)
def test_what_is_not_valid_is_refused_with_the_place(
    text: str, reason: str, position: int | None
) -> None:
    with pytest.raises(ExpressionError) as caught:
        term(text)
    assert reason in caught.value.reason
    assert caught.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "Queue IN (SELECT id FROM interactions)",
        "(SELECT 1) = 1",
        "EXISTS (SELECT 1)",
        "1 = 1; DELETE FROM interactions",
        "1 = 1 UNION SELECT user_data FROM interactions",
        "PRAGMA writable_schema = 1",
        "ATTACH 'x' AS y",
        "load_extension('x') = 1",
        "randomblob(1000000000) IS NULL",
        "CASE WHEN priority = 1 THEN 1 END = 1",
        "CAST(priority AS TEXT) = '1'",
        "priority = 1 /* OR Queue = 'x' */",
        "priority = 1 -- AND Queue = 'x'",
        "priority = (priority, Queue)",
        "interactions.priority = 1",
        "rowid = 1",
        "user_data IS NULL",
        "priority = ?1",
        "priority = :now",
        "Queue REGEXP 'x'",
        "Queue MATCH 'x'",
        "priority COLLATE NOCASE = 1",
        "priority & 1 = 1",
        "CURRENT_TIMESTAMP > ReceivedAt",
        "Queue = 'a' || 'b'",
        "priority = 1 LIMIT 5",
        "priority = 1 ORDER BY 1",
    ],
)
def test_what_only_a_database_should_understand_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        term(text)


@pytest.mark.parametrize("known", list(PROPERTIES), ids=lambda known: known.name)
def test_every_property_can_be_named_with_and_without_brackets(known: Property) -> None:
    for name in {known.name, known.column, *known.aliases}:
        assert term(f"{name} IS NULL") == term(f"[{name}] IS NULL") == IsNull(PropertyValue(known))


def test_a_long_chain_is_flat() -> None:
    text = " OR ".join(["priority=1"] * MAX_COMPARISONS)
    assert term(text) == Any((ONE,) * MAX_COMPARISONS)


def test_the_number_of_comparisons_is_limited() -> None:
    with pytest.raises(ExpressionError, match="more than 256 comparisons"):
        term(" OR ".join(["priority=1"] * (MAX_COMPARISONS + 1)))


def test_the_number_of_calculations_is_limited() -> None:
    term("priority = " + "1+" * MAX_ARITHMETIC + "1")
    with pytest.raises(ExpressionError, match="more than 64 arithmetic"):
        term("priority = " + "1+" * (MAX_ARITHMETIC + 1) + "1")


def test_a_list_may_be_as_long_as_the_text() -> None:
    found = term("priority IN (" + ",".join(["1"] * 4000) + ")")
    assert found == Membership(PRIORITY, (number(1),) * 4000)


def test_a_value_alone_can_be_read() -> None:
    text = "priority * 2"
    found = read_value(read_pieces(text), text, PROPERTIES)
    assert found == Arithmetic("*", PRIORITY, number(2), Kind.NUMBER)
    with pytest.raises(ExpressionError, match="an expression is expected"):
        read_value([], "", PROPERTIES)
