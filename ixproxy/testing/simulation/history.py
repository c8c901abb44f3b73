"""The history of a run: numbered steps with their time, answers, and what broke."""

from __future__ import annotations

from typing import Any, NamedTuple

from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Message

SECRET = {"session", "credentials"}


class Breach(NamedTuple):
    """
    A broken rule.

    :ivar rule: its name: that of a function of `rules`, or of the ledger.
    :ivar step: the number of the last step that was begun; 0: before or after all.
    """

    rule: str
    text: str
    at: float
    step: int


class History:
    """Lines, written out only when somebody wants to read them."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, str, tuple[Any, ...]]] = []

    def add(self, at: float, step: int, text: str, *about: Any) -> None:
        """
        Something happened.

        :param step: the number of the step; 0: of none.
        :param text: with a `{}` for each of `about`.
        """
        self._entries.append((at, step, text, about))

    def lines(self) -> list[str]:
        """One line for each."""
        return [
            f"{at:9.4f}  {f'#{step}' if step else '':>5}  {_filled(text, about)}"
            for at, step, text, about in self._entries
        ]


def _filled(text: str, about: tuple[Any, ...]) -> str:
    return text.format(*(described(each) for each in about))


def described(value: object) -> str:
    """A message by its name and what differs from the defaults; anything else as it is."""
    if isinstance(value, RequestRefused):
        doubt = "in doubt" if value.in_doubt else "nothing done"
        return f"refused with {value.code}, {doubt}: {value.description}"
    if not isinstance(value, Message):
        return str(value)
    parts = []
    for name in value.__struct_fields__:
        held = getattr(value, name)
        if held and name not in SECRET and not (name == "tenant_id" and held == 1):
            parts.append(f"{name}={_short(held)}")
    return f"{type(value).__name__}({', '.join(parts)})"


def _short(held: object) -> str:
    text = repr(held)
    return text if len(text) <= 160 else f"{text[:157]}..."
