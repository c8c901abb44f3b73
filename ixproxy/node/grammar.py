"""
What the parser's tree of an expression may be made of: an allow-list, as data.

A node type that is not listed is refused, and so is a listed one with an
argument that it should not have. A newer parser may thus read more SQL
without any of it meaning something here.
"""

from __future__ import annotations

from sqlglot import exp

COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
OPERANDS: frozenset[type[exp.Expr]] = frozenset(
    {exp.Column, exp.Literal, exp.Neg, exp.Anonymous, *ARITHMETIC}
)
"""Nodes that stand for a value."""

_BINARY = frozenset({"this", "expression"})
_UNARY = frozenset({"this"})
_ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    **dict.fromkeys((*COMPARISONS, *ARITHMETIC), _BINARY),
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Is: _BINARY | {"negate"},
    exp.Like: _BINARY | {"negate"},
    exp.Escape: _BINARY,
    # How a division treats whole numbers and zero is our rule, not a dialect's.
    exp.Div: _BINARY | {"typed", "safe"},
    exp.In: frozenset({"this", "expressions", "field"}),  # a field is refused with better words
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Paren: _UNARY,
    exp.Not: _UNARY,
    exp.Neg: _UNARY,
    exp.Column: _UNARY,
    exp.Boolean: _UNARY,
    exp.Null: frozenset(),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
}


def listed(node: exp.Expr) -> bool:
    """Whether `node` itself, its children left aside, may be part of an expression."""
    arguments = _ARGUMENTS.get(type(node))
    given = {name for name, value in node.args.items() if value not in (None, False, [])}
    return arguments is not None and given <= arguments
