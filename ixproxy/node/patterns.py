"""The patterns of LIKE: read from text, and held against texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ixproxy.node.terms import Wild


def like_pattern(text: str, escape: str) -> tuple[str | Wild, ...] | None:
    """
    The characters and wildcards of a LIKE pattern.

    :param escape: the character after which the next one means itself; "": none.
    :return: None where the pattern ends with its escape character.
    """
    wildcards = {wild.value: wild for wild in Wild}
    parts: list[str | Wild] = []
    signs = iter(text)
    for sign in signs:
        if sign == escape:
            following = next(signs, None)
            if following is None:
                return None
            parts.append(following)
        else:
            parts.append(wildcards.get(sign, sign))
    return tuple(parts)


def fitting(pattern: Sequence[str | Wild]) -> Callable[[str], bool]:
    """
    Whether a text is made as `pattern` says.

    The parts between the % have a fixed length each. The first and the last
    stand at the ends of the text, the others follow one another, each as
    early as it can: a later place could not help those behind it. So nothing
    is ever tried twice, however the pattern is made.
    """
    parts: list[list[str | Wild]] = [[]]
    for sign in pattern:
        if sign is Wild.ANY:
            parts.append([])
        else:
            parts[-1].append(sign)
    first, *between = [_part(part) for part in parts]
    if not between:
        return lambda text: first.fullmatch(text) is not None
    last, tail = between.pop(), len(parts[-1])

    def fits(text: str) -> bool:
        found = first.match(text)
        for part in between:
            if found is None:
                return False
            found = part.search(text, found.end())
        if found is None or found.end() > len(text) - tail:
            return False
        return last.match(text, len(text) - tail) is not None

    return fits


def _part(signs: Sequence[str | Wild]) -> re.Pattern[str]:
    return re.compile(
        "".join("." if isinstance(sign, Wild) else re.escape(sign) for sign in signs), re.DOTALL
    )
