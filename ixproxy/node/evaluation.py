"""
Checked terms made into functions that answer as SQLite would.

A condition is compiled once into nested functions of a row and a time, and
each returns True, False or None (unknown). A row maps columns to what the
store holds in them; a column that is left out counts as NULL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from math import isinf, isnan
from typing import assert_never

from ixproxy.node.patterns import fitting
from ixproxy.node.properties import Kind, Property
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
    whole,
)

Row = Mapping[str, object]
Scalar = int | float | str | None
Test = Callable[[Row, float], bool | None]
Reading = Callable[[Row, float], Scalar]

# Wherever two readings meet they are of one kind: syntax sees to it.
Compare = Callable[..., bool]
_COMPARE: dict[str, Compare] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compiled_test(term: Predicate) -> Test:
    """The function that says whether `term` holds: yes, no, or None for unknown."""
    match term:
        case Comparison(sign, left, right):
            return _comparison(_COMPARE[sign], left, right)
        case Between(value, low, high):
            ends = (Comparison(">=", value, low), Comparison("<=", value, high))
            return _all([compiled_test(end) for end in ends])
        case Membership(value, options):
            return _membership(value, options)
        case Like(value, pattern):
            return _like(compiled_value(value), pattern)
        case IsNull(value):
            read = compiled_value(value)
            return lambda row, now: read(row, now) is None
        case Not(part):
            return _not(compiled_test(part))
        case All(parts):
            return _all([compiled_test(part) for part in parts])
        case Any(parts):
            return _any([compiled_test(part) for part in parts])
        case Truth(value=truth):
            return lambda row, now: truth
        case _:
            assert_never(term)


def compiled_value(term: Value) -> Reading:
    """The function that reads or calculates `term`."""
    match term:
        case PropertyValue(named):
            return _column(named)
        case Constant(value):
            return lambda row, now: value
        case Now():
            return lambda row, now: now
        case Arithmetic(sign, left, right):
            exact = whole(left) and whole(right)
            calculate = _real_quotient if sign == "/" and not exact else _CALCULATE[sign]
            return _calculation(calculate, compiled_value(left), compiled_value(right))
        case _:
            assert_never(term)


def _column(named: Property) -> Reading:
    column = named.column

    def read(row: Row, now: float) -> Scalar:
        return row.get(column)  # type: ignore[return-value]

    def read_number(row: Row, now: float) -> Scalar:
        value = row.get(column)
        # SQLite stores a double without fraction as an integer, if it fits.
        if type(value) is float and value.is_integer() and -(2.0**63) < value < 2.0**63:
            return int(value)
        return value  # type: ignore[return-value]

    return read_number if named.kind is Kind.NUMBER else read


def _comparison(compare: Compare, left: Value, right: Value) -> Test:
    first, second = compiled_value(left), compiled_value(right)
    if isinstance(right, Constant):
        constant = right.value

        def with_constant(row: Row, now: float) -> bool | None:
            value = first(row, now)
            return None if value is None else compare(value, constant)

        return with_constant

    def test(row: Row, now: float) -> bool | None:
        value = first(row, now)
        if value is None:
            return None
        other = second(row, now)
        return None if other is None else compare(value, other)

    return test


def _membership(value: Value, options: Sequence[Value]) -> Test:
    read = compiled_value(value)
    constants = [option.value for option in options if isinstance(option, Constant)]
    if len(constants) < len(options):
        return _any([_comparison(operator.eq, value, option) for option in options])
    known = frozenset(constants)

    def test(row: Row, now: float) -> bool | None:
        found = read(row, now)
        return None if found is None else found in known

    return test


def _not(test: Test) -> Test:
    def turned(row: Row, now: float) -> bool | None:
        answer = test(row, now)
        return None if answer is None else not answer

    return turned


def _all(tests: Sequence[Test]) -> Test:
    def every(row: Row, now: float) -> bool | None:
        result: bool | None = True
        for test in tests:
            answer = test(row, now)
            if answer is False:
                return False
            if answer is None:
                result = None
        return result

    return every


def _any(tests: Sequence[Test]) -> Test:
    def some(row: Row, now: float) -> bool | None:
        result: bool | None = False
        for test in tests:
            answer = test(row, now)
            if answer:
                return True
            if answer is None:
                result = None
        return result

    return some


def _like(read: Reading, pattern: Sequence[str | Wild]) -> Test:
    fits = fitting(pattern)

    def test(row: Row, now: float) -> bool | None:
        value = read(row, now)
        # SQLite's GLOB reads a text up to its first NUL.
        return None if value is None else fits(str(value).partition("\0")[0])

    return test


Number = int | float
Calculate = Callable[[Number, Number], Number | None]


def _calculation(calculate: Calculate, a: Reading, b: Reading) -> Reading:
    def read(row: Row, now: float) -> Scalar:
        left, right = a(row, now), b(row, now)
        if left is None or right is None:
            return None
        result = calculate(left, right)  # type: ignore[arg-type]
        # SQLite has no NaN; it stores and returns NULL.
        return None if result is None or isnan(result) else result

    return read


def _exact(whole: Callable[[int, int], int], real: Callable[[float, float], float]) -> Calculate:
    """Whole numbers as long as they fit 64 bits, doubles from there."""

    def calculate(left: Number, right: Number) -> Number:
        if isinstance(left, int) and isinstance(right, int):
            result = whole(left, right)
            if -(2**63) <= result < 2**63:
                return result
        return real(float(left), float(right))

    return calculate


def _whole_quotient(left: Number, right: Number) -> Number | None:
    # A sum that left 64 bits is a double by now, though written as whole numbers.
    if right and isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        quotient = quotient if (left < 0) == (right < 0) else -quotient
        if quotient < 2**63:
            return quotient
    return _real_quotient(left, right)


def _real_quotient(left: Number, right: Number) -> Number | None:
    return float(left) / float(right) if right else None


def _remainder(left: Number, right: Number) -> Number | None:
    """The remainder of the whole parts, with the sign of the left; a double if either is one."""
    dividend, divisor = _whole(left), _whole(right)
    if divisor == 0:
        return None
    rest = abs(dividend) % abs(divisor)
    rest = -rest if dividend < 0 else rest
    return rest if isinstance(left, int) and isinstance(right, int) else float(rest)


def _whole(number: Number) -> int:
    if isinf(number):
        return 2**63 - 1 if number > 0 else -(2**63)
    return min(max(int(number), -(2**63)), 2**63 - 1)


_CALCULATE: dict[str, Calculate] = {
    "+": _exact(operator.add, operator.add),
    "-": _exact(operator.sub, operator.sub),
    "*": _exact(operator.mul, operator.mul),
    "/": _whole_quotient,
    "%": _remainder,
}
