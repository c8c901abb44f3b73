"""What a checked expression is made of: typed, frozen, and free of any SQL text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ixproxy.node.properties import Kind, Origin, Property


@dataclass(frozen=True, slots=True)
class PropertyValue:
    """The value of a property of the row in hand."""

    named: Property

    @property
    def kind(self) -> Kind:
        return self.named.kind


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal: 64-bit integer, finite double or text; a timestamp in seconds since the epoch."""

    value: int | float | str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Now:
    """The time of the evaluation: an argument, never a clock."""

    @property
    def kind(self) -> Kind:
        return Kind.TIMESTAMP


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """
    Two values made into one; `operator` is one of + - * / %.

    As in SQLite: whole numbers (see `whole`) divide to a whole number, a
    division by zero is NULL, and what leaves 64 bits goes on as a double.
    """

    operator: str
    left: Value
    right: Value
    kind: Kind


Value = PropertyValue | Constant | Now | Arithmetic


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator` is one of = <> < <= > >=; both sides are of one kind."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends included."""

    value: Value
    low: Value
    high: Value


@dataclass(frozen=True, slots=True)
class Membership:
    """IN a list that has at least one entry."""

    value: Value
    options: tuple[Value, ...]


class Wild(Enum):
    """The wildcards of LIKE."""

    ANY = "%"
    ONE = "_"


@dataclass(frozen=True, slots=True)
class Like:
    """A pattern of characters and wildcards; case counts, as in every other comparison."""

    value: Value
    pattern: tuple[str | Wild, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """True or false, never unknown."""

    value: Value


@dataclass(frozen=True, slots=True)
class Not:
    """Unknown stays unknown."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class All:
    """AND of two or more parts."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """OR of two or more parts."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """TRUE or FALSE."""

    value: bool


Predicate = Comparison | Between | Membership | Like | IsNull | Not | All | Any | Truth


def values_of(term: Predicate | Value) -> Iterator[PropertyValue | Constant | Now]:
    """Every property, literal and time in `term`, in the order of the text."""
    match term:
        case PropertyValue() | Constant() | Now():
            yield term
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            yield from values_of(left)
            yield from values_of(right)
        case Between(value, low, high):
            for part in (value, low, high):
                yield from values_of(part)
        case Membership(value, options):
            for part in (value, *options):
                yield from values_of(part)
        case Like(value=value) | IsNull(value=value):
            yield from values_of(value)
        case Not(inner):
            yield from values_of(inner)
        case All(parts) | Any(parts):
            for one in parts:
                yield from values_of(one)
        case Truth():
            return


def columns_in(term: Predicate | Value) -> frozenset[str]:
    """The columns that `term` reads."""
    found = values_of(term)
    return frozenset(value.named.column for value in found if isinstance(value, PropertyValue))


def needs_time(term: Predicate | Value) -> bool:
    """Whether `term` may change by the passing of time alone."""
    return any(isinstance(value, Now) for value in values_of(term))


def constant(term: Value) -> bool:
    """Whether `term` is the same for every row at one time."""
    return not columns_in(term)


def whole(term: Value) -> bool:
    """
    Whether `term` is an integer whatever the row: decided by what is written.

    Custom numbers never are, for whether a store keeps 5.0 as an integer
    differs between stores, and a division must not.
    """
    match term:
        case PropertyValue(named):
            return named.kind is Kind.NUMBER and named.origin is not Origin.CUSTOM
        case Constant(value):
            return isinstance(value, int)
        case Arithmetic(left=left, right=right):
            return whole(left) and whole(right)
    return False
