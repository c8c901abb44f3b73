"""
From the text of an expression to checked terms.

Theory of operation: the parser's tree is walked against the allow-list of
`grammar`. Names become known properties, literals become constants, and both
sides of every comparison must be of one kind. SQL is written from the terms
only, never from the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from ixproxy.node.grammar import ARITHMETIC, COMPARISONS, OPERANDS, listed
from ixproxy.node.literals import parse_timestamp, read_number
from ixproxy.node.patterns import like_pattern
from ixproxy.node.properties import Kind, Properties
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
)
from ixproxy.node.tokens import ExpressionError, Piece, parse_pieces

MAX_COMPARISONS = 256
"""Conditions joined by AND and OR in one expression; SQLite takes trees 1,000 deep."""

MAX_ARITHMETIC = 64
"""Arithmetic operators in one expression."""

_A = {
    Kind.NUMBER: "a number",
    Kind.STRING: "a string",
    Kind.TIMESTAMP: "a timestamp",
    Kind.BLOB: "a binary value",
}


def read_predicate(pieces: Sequence[Piece], text: str, properties: Properties) -> Predicate:
    """
    The condition that `pieces` say; no pieces at all are always true.

    :raise ExpressionError: it is not a valid condition.
    """
    if not pieces:
        return Truth(True)
    return _Reader(pieces, properties).predicate(parse_pieces(pieces, text))


def read_value(pieces: Sequence[Piece], text: str, properties: Properties) -> Value:
    """
    The value that `pieces` say.

    :raise ExpressionError: it is not a valid value.
    """
    return _Reader(pieces, properties).value(parse_pieces(pieces, text))


class _Reader:
    """Walks one tree; knows the pieces that its leaves are numbers of."""

    def __init__(self, pieces: Sequence[Piece], properties: Properties) -> None:
        self._pieces = pieces
        self._properties = properties
        self._comparisons = 0
        self._arithmetic = 0
        self._functions: dict[str, Callable[[exp.Expr], Value]] = {
            "_age": lambda node: self._since("ReceivedAt"),
            "_time_in_queue": lambda node: self._since("PlacedInQueueAt"),
            "_current_time": lambda node: Now(),
            "_timestamp": self._timestamp,
        }

    def predicate(self, node: exp.Expr) -> Predicate:
        self._allowed(node)
        match node:
            case exp.Paren():
                return self.predicate(node.this)
            case exp.And() | exp.Or():
                return self._joined(node)
            case exp.Not():
                return Not(self.predicate(node.this))
            case exp.Boolean():
                return Truth(bool(node.this))
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise ExpressionError(f"more than {MAX_COMPARISONS} comparisons")
        match node:
            case exp.In():
                return self._membership(node)
            case exp.Between():
                return self._between(node)
            case exp.Is():
                return self._is_null(node)
            case exp.Like():
                return self._like(node, "")
            case exp.Escape():
                return self._escaped(node)
        if operator := COMPARISONS.get(type(node)):
            left, right = self.value(node.this), self.value(node.expression)
            return Comparison(operator, *self._alike((left, right), node))
        if type(node) in OPERANDS:
            raise self._error("a condition is expected, not a value", node)
        raise self._error("this is not allowed in an expression", node)

    def _joined(self, node: exp.And | exp.Or) -> All | Any:
        """A chain of one connective; the parser hangs long ones deep to the left."""
        kind = type(node)
        made: type[All] | type[Any] = All if kind is exp.And else Any
        chain: list[exp.Expr] = []
        rest: exp.Expr = node
        while type(rest) is kind:
            self._allowed(rest)
            chain.append(rest.expression)
            rest = rest.this
        parts: list[Predicate] = []
        for one in (rest, *reversed(chain)):
            part = self.predicate(one)
            parts.extend(part.parts if isinstance(part, made) else (part,))
        return made(tuple(parts))

    def _membership(self, node: exp.In) -> Predicate:
        if node.args.get("field") or not node.expressions:
            raise self._error("IN expects a list in parentheses", node)
        options = (self.value(option) for option in node.expressions)
        value, *rest = self._alike((self.value(node.this), *options), node)
        return Membership(value, tuple(rest))

    def _between(self, node: exp.Between) -> Predicate:
        ends = (self.value(node.args["low"]), self.value(node.args["high"]))
        return Between(*self._alike((self.value(node.this), *ends), node))

    def _is_null(self, node: exp.Is) -> Predicate:
        if type(node.expression) is not exp.Null:
            raise self._error("IS expects NULL or NOT NULL", node)
        return _turned(IsNull(self.value(node.this)), node)

    def _escaped(self, node: exp.Escape) -> Predicate:
        like, sign = node.this, node.expression
        escape = self._literal_text(sign)
        if type(like) is not exp.Like or escape is None or len(escape) != 1:
            raise self._error("ESCAPE expects one character, after LIKE", node)
        return self._like(like, escape)

    def _like(self, node: exp.Like, escape: str) -> Predicate:
        self._allowed(node)
        value, pattern = self.value(node.this), self._literal_text(node.expression)
        if value.kind is not Kind.STRING:
            raise self._error(f"LIKE expects a string, not {_A[value.kind]}", node)
        if pattern is None:
            raise self._error("LIKE expects a pattern in quotes", node)
        parts = like_pattern(pattern, escape)
        if parts is None:
            raise self._error("the pattern ends with its escape character", node)
        return _turned(Like(value, parts), node)

    def value(self, node: exp.Expr) -> Value:
        self._allowed(node)
        match node:
            case exp.Paren():
                return self.value(node.this)
            case exp.Column():
                return self._named(node)
            case exp.Literal():
                return self._constant(node, "")
            case exp.Neg():
                return self._negative(node)
            case exp.Anonymous():
                return self._called(node)
            case exp.Null():
                raise self._error("NULL stands only after IS or IS NOT", node)
            case exp.Boolean():
                raise self._error("TRUE and FALSE are not values; write 1 or 0", node)
        if operator := ARITHMETIC.get(type(node)):
            return self._calculated(operator, node)
        raise self._error("a value is expected here", node)

    def _named(self, node: exp.Column) -> Value:
        self._allowed(node.this)
        piece = self._piece(node.this.name)
        found = self._properties.find(piece.text)
        if found is None:
            similar = self._properties.similar(piece.text)
            hint = f"; did you mean {similar!r}?" if similar else ""
            reason = f"unknown property {piece.text!r}{hint}"
            raise ExpressionError(reason, piece.text, piece.start)
        return PropertyValue(found)

    def _constant(self, node: exp.Literal, sign: str) -> Constant:
        piece = self._piece(node.name)
        if node.is_string:
            return Constant(piece.text, Kind.STRING)
        number = read_number(sign + piece.text)
        if number is None:
            reason = f"{piece.text!r} does not fit 64 bits"
            raise ExpressionError(reason, piece.text, piece.start)
        return Constant(number, Kind.NUMBER)

    def _negative(self, node: exp.Neg) -> Value:
        inner = node.this
        if type(inner) is exp.Literal and not inner.is_string:
            return self._constant(inner, "-")
        value = self.value(inner)
        if value.kind is not Kind.NUMBER:
            raise self._error(f"a sign cannot stand before {_A[value.kind]}", node)
        return Arithmetic("-", Constant(0, Kind.NUMBER), value, Kind.NUMBER)

    def _calculated(self, operator: str, node: exp.Expr) -> Value:
        self._arithmetic += 1
        if self._arithmetic > MAX_ARITHMETIC:
            raise ExpressionError(f"more than {MAX_ARITHMETIC} arithmetic operators")
        left, right = self.value(node.this), self.value(node.expression)
        if operator == "-":
            left, right = self._as_timestamps((left, right), node)
        kinds = (left.kind, right.kind)
        if kinds == (Kind.NUMBER, Kind.NUMBER):
            return Arithmetic(operator, left, right, Kind.NUMBER)
        if operator == "-" and kinds == (Kind.TIMESTAMP, Kind.TIMESTAMP):
            return Arithmetic(operator, left, right, Kind.NUMBER)
        later = operator == "+" and kinds == (Kind.NUMBER, Kind.TIMESTAMP)
        if later or (operator in "+-" and kinds == (Kind.TIMESTAMP, Kind.NUMBER)):
            return Arithmetic(operator, left, right, Kind.TIMESTAMP)
        reason = f"{_A[left.kind]} {operator} {_A[right.kind]} has no meaning"
        raise self._error(reason, node)

    def _called(self, node: exp.Anonymous) -> Value:
        name = self._piece(node.name).text.lower()
        if name != "_timestamp" and node.expressions:
            raise self._error(f"{name}() takes no argument", node)
        return self._functions[name](node)

    def _since(self, name: str) -> Value:
        """Seconds since the timestamp `name`."""
        found = self._properties.find(name)
        assert found is not None
        return Arithmetic("-", Now(), PropertyValue(found), Kind.NUMBER)

    def _timestamp(self, node: exp.Expr) -> Value:
        text = self._literal_text(node.expressions[0]) if len(node.expressions) == 1 else None
        if text is None:
            raise self._error("_timestamp() takes one text in quotes", node)
        return self._moment(text, node)

    def _alike(self, values: tuple[Value, ...], node: exp.Expr) -> tuple[Value, ...]:
        """`values`, all of one kind; texts beside a timestamp are read as timestamps."""
        values = self._as_timestamps(values, node)
        first = values[0].kind
        for other in values:
            if Kind.BLOB in (first, other.kind):
                raise self._error("a binary value can only be asked for IS NULL", node)
            if other.kind is not first:
                left, right = self._said(values[0]), self._said(other)
                raise self._error(f"{left} cannot be compared with {right}", node)
        return values

    def _as_timestamps(self, values: tuple[Value, ...], node: exp.Expr) -> tuple[Value, ...]:
        if all(value.kind is not Kind.TIMESTAMP for value in values):
            return values
        return tuple(
            self._moment(value.value, node)
            if isinstance(value, Constant) and isinstance(value.value, str)
            else value
            for value in values
        )

    def _moment(self, text: str, node: exp.Expr) -> Constant:
        seconds = parse_timestamp(text)
        if seconds is None:
            raise self._error(f"{text!r} is not a timestamp like '2026-01-02 03:04:05'", node)
        return Constant(seconds, Kind.TIMESTAMP)

    def _said(self, value: Value) -> str:
        match value:
            case PropertyValue(found):
                return f"{found.name} ({_A[found.kind]})"
            case Constant(content, kind) if kind is not Kind.TIMESTAMP:
                return f"{_A[kind].removeprefix('a ')} {content!r}".replace("number", "the number")
        return _A[value.kind]

    def _allowed(self, node: exp.Expr) -> None:
        if not listed(node):
            raise self._error("this is not allowed in an expression", node)

    def _literal_text(self, node: exp.Expr) -> str | None:
        if type(node) is exp.Literal and node.is_string:
            return self._piece(node.name).text
        return None

    def _piece(self, name: str) -> Piece:
        number = name.removeprefix("f")
        if not number.isdecimal():
            # The parser took a word of ours for a name.
            raise ExpressionError(f"{name!r} is misplaced", name)
        return self._pieces[int(number)]

    def _error(self, reason: str, node: exp.Expr) -> ExpressionError:
        """An error at the first leaf of `node`."""
        leaves = node.find_all(exp.Identifier, exp.Literal, exp.Anonymous)
        numbers = [leaf.name.removeprefix("f") for leaf in leaves]
        known = [int(number) for number in numbers if number.isdecimal()]
        if not known:
            return ExpressionError(reason)
        piece = self._pieces[min(known)]
        return ExpressionError(reason, piece.text, piece.start)


def _turned(term: Predicate, node: exp.Is | exp.Like) -> Predicate:
    """The parser marks some of its nodes as negated instead of wrapping them."""
    return Not(term) if node.args.get("negate") else term
