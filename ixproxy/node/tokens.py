"""
The words of an expression, checked before any parser sees them.

Theory of operation: SQLite's tokenizer (sqlglot's) splits the text. Then only
a short list of operators and words keeps its meaning; every other word is the
name of a property or, before a parenthesis, of one of our functions. What is
left cannot say SELECT, CAST or PRAGMA: those are unknown properties here.
Names and literals go to the parser as their number among the tokens. So the
tree carries no text, and every leaf of it knows where it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import Token, TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.expressions import Condition as ConditionNode
from sqlglot.expressions import Expr

from ixproxy.errors import IxproxyError

MAX_LENGTH = 8192
"""Bytes of one expression in UTF-8."""

MAX_DEPTH = 16
"""Parentheses, NOTs and signs within one another; the parser takes 32 stack frames for each."""

FUNCTIONS = ("_age", "_current_time", "_time_in_queue", "_timestamp")

SQLITE = Dialect.get_or_raise("sqlite")


class ExpressionError(IxproxyError):
    """
    A condition, order or segmentation that is not valid.

    :ivar reason: what is wrong, naming the part.
    :ivar part: the offending part of the text; "" where it is the whole.
    :ivar position: where the part begins, in characters from 0; None: not known.
    """

    def __init__(self, reason: str, part: str = "", position: int | None = None) -> None:
        place = "" if position is None else f" (at character {position + 1})"
        super().__init__(reason + place)
        self.reason = reason
        self.part = part
        self.position = position


@dataclass(frozen=True, slots=True)
class Piece:
    """
    One token.

    :ivar type: what the parser shall see.
    :ivar text: what the person wrote; of names and strings the content.
    :ivar operand: it ends a value: a name, a literal or a closing parenthesis.
    """

    type: TokenType
    text: str
    start: int
    end: int
    operand: bool = False


_SYMBOLS = {
    "=": TokenType.EQ,
    "==": TokenType.EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    ",": TokenType.COMMA,
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    "AND": TokenType.AND,
    "OR": TokenType.OR,
    "NOT": TokenType.NOT,
    "IN": TokenType.IN,
    "BETWEEN": TokenType.BETWEEN,
    "LIKE": TokenType.LIKE,
    "ESCAPE": TokenType.ESCAPE,
    "IS": TokenType.IS,
}
_CONSTANTS = {
    "NULL": TokenType.NULL,
    "TRUE": TokenType.TRUE,
    "FALSE": TokenType.FALSE,
}
_DIRECTIONS = {"ASC": TokenType.ASC, "DESC": TokenType.DESC}
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS}
_BETWEEN_VALUES = set(_SYMBOLS.values()) - _PREFIXES - {
    TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA,
}  # fmt: skip
_AFTER_NOT = {TokenType.IN, TokenType.BETWEEN, TokenType.LIKE}
_NAMED = {TokenType.IDENTIFIER, TokenType.VAR, TokenType.NUMBER, TokenType.STRING}


def read_pieces(text: str, *, directions: bool = False) -> list[Piece]:
    """
    The tokens of `text`.

    :param directions: ASC and DESC may follow a value (an order).
    :raise ExpressionError: something that expressions do not have.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as problem:
        raise ExpressionError("the text is not valid Unicode", position=problem.start) from None
    if size > MAX_LENGTH:
        raise ExpressionError(f"the text has {size} bytes; {MAX_LENGTH} are allowed")
    if "\0" in text:
        raise ExpressionError("the text contains a NUL", position=text.index("\0"))
    try:
        # The parenthesis in front keeps the tokenizer from taking a first word
        # such as SHOW for a command and the rest of the text for its argument.
        opening, *found = SQLITE.tokenize("(" + text)
    except SqlglotError:
        raise ExpressionError("a quote or bracket is not closed, or a number is wrong") from None
    for token in (opening, *found):
        if token.comments:
            # A comment hangs on the token before it.
            raise ExpressionError("comments are not allowed", position=token.end)
    pieces: list[Piece] = []
    for number, token in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        pieces.append(_piece(text, token, following, pieces[-1] if pieces else None, directions))
    _check_shape(pieces)
    return pieces


def _piece(
    whole: str, token: Token, following: Token | None, last: Piece | None, directions: bool
) -> Piece:
    start, end, text, kind = token.start - 1, token.end - 1, token.text, token.token_type
    after_value = last is not None and last.operand
    if kind in (TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER):
        if after_value and last is not None:
            reason = f"an operator is missing between {last.text!r} and {text!r}"
            raise ExpressionError(reason, text, start)
        return Piece(kind, text, start, end, operand=True)
    text = whole[start : end + 1]  # not what the tokenizer makes of N'…' and X'…'
    word = text.upper()
    if word in _SYMBOLS:
        return Piece(_SYMBOLS[word], text, start, end, operand=text == ")")
    if after_value and directions and word in _DIRECTIONS:
        return Piece(_DIRECTIONS[word], text, start, end)
    if not text.isidentifier():
        raise ExpressionError(f"{text!r} is not allowed in an expression", text, start)
    if after_value:
        raise ExpressionError(f"{text!r} is not a known operator", text, start)
    if word in _CONSTANTS:
        return Piece(_CONSTANTS[word], text, start, end, operand=True)
    if following is not None and following.token_type is TokenType.L_PAREN:
        if text.lower() not in FUNCTIONS:
            known = ", ".join(f"{name}()" for name in FUNCTIONS)
            raise ExpressionError(f"unknown function {text!r}; there are {known}", text, start)
        return Piece(TokenType.VAR, text, start, end)
    return Piece(TokenType.IDENTIFIER, text, start, end, operand=True)


def _check_shape(pieces: Sequence[Piece]) -> None:
    """
    Operators stand between values; parentheses close and do not go too deep.

    The parser would take some operators for names where a value belongs.
    """
    opened: list[tuple[Piece, int]] = []
    prefixes = 0
    last: Piece | None = None
    negated = False  # the NOT of NOT IN, NOT BETWEEN, NOT LIKE
    for number, piece in enumerate(pieces):
        after_value = last is not None and last.operand
        if piece.type is TokenType.L_PAREN:
            if after_value:
                raise ExpressionError("an operator is missing before '('", "(", piece.start)
            opened.append((piece, prefixes))
            prefixes = 0
        elif piece.type is TokenType.R_PAREN:
            if not opened:
                raise ExpressionError("')' closes nothing", ")", piece.start)
            called = number > 1 and pieces[number - 2].type is TokenType.VAR
            if not after_value and not (called and last is opened[-1][0]):
                raise ExpressionError("something is missing before ')'", ")", piece.start)
            opened.pop()
            prefixes = 0
        elif piece.type in _PREFIXES and not after_value:
            prefixes += 1
        elif piece.type in _BETWEEN_VALUES:
            if not (after_value or (negated and piece.type in _AFTER_NOT)):
                reason = f"a value is missing before {piece.text!r}"
                raise ExpressionError(reason, piece.text, piece.start)
        elif piece.operand:
            prefixes = 0
        depth = len(opened) + prefixes + sum(outer for _, outer in opened)
        if depth > MAX_DEPTH:
            raise ExpressionError(f"nested more than {MAX_DEPTH} deep", piece.text, piece.start)
        negated = piece.type is TokenType.NOT and after_value
        last = piece
    if opened:
        raise ExpressionError("'(' is not closed", "(", opened[-1][0].start)
    if last is not None and last.type in _BETWEEN_VALUES | _PREFIXES:
        raise ExpressionError(f"a value is missing after {last.text!r}", last.text, last.start)


def split_at_commas(pieces: Sequence[Piece], text: str) -> list[list[Piece]]:
    """The entries of a comma list; an empty one is an error."""
    entries: list[list[Piece]] = [[]]
    depth = 0
    for piece in pieces:
        depth += (piece.type is TokenType.L_PAREN) - (piece.type is TokenType.R_PAREN)
        if piece.type is TokenType.COMMA and depth == 0:
            if not entries[-1]:
                raise ExpressionError("an entry is missing before ','", ",", piece.start)
            entries.append([])
        else:
            entries[-1].append(piece)
    if not entries[-1]:
        raise ExpressionError("an entry is missing after the last ','", position=len(text))
    return entries


def parse_pieces(pieces: Sequence[Piece], text: str) -> Expr:
    """
    The syntax tree of `pieces`; leaves are named by their number in `pieces`.

    :raise ExpressionError: it is not an expression.
    """
    tokens = [
        Token(
            piece.type,
            str(number) if piece.type is not TokenType.VAR else f"f{number}",
            start=piece.start,
            end=piece.end,
        )
        if piece.type in _NAMED
        else Token(piece.type, piece.text, start=piece.start, end=piece.end)
        for number, piece in enumerate(pieces)
    ]
    parser = SQLITE.parser(error_message_context=len(text))
    try:
        tree = parser.parse_into(ConditionNode, tokens, text)[0]
    except ParseError as problem:
        raise _syntax_error(problem) from None
    except RecursionError:
        raise ExpressionError("nested too deep") from None
    if tree is None:
        raise ExpressionError("an expression is expected")
    return tree


def _syntax_error(problem: ParseError) -> ExpressionError:
    """Where the parser stopped; its own words speak of all of SQL, which would mislead."""
    found = problem.errors[0] if problem.errors else {}
    part = str(found.get("highlight") or "")
    if not part:
        return ExpressionError("this is not a complete expression")
    position = len(str(found.get("start_context") or ""))
    return ExpressionError(f"something is missing or misplaced at {part!r}", part, position)
