"""How a section of options is declared: one frozen class, whose fields are the options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from typing import Any, TypeVar, cast

from ixproxy.config_keys import Check, Key, Kind, plain_name

Section = TypeVar("Section")


def _option(key: Key) -> Any:
    return field(default=key.default, metadata={"key": key})


def whole(
    default: int, low: int, high: int, unit: str, summary: str, *, served: bool = True
) -> int:
    """An option that counts something; `unit` is what, in the plural."""
    key = Key(Kind.WHOLE, default, low=low, high=high, unit=unit, summary=summary, served=served)
    return cast(int, _option(key))


def limit(low: int, high: int, unit: str, summary: str, *, served: bool = True) -> int | None:
    """An option that counts something, or is None where it is not given."""
    key = Key(Kind.WHOLE, None, low=low, high=high, unit=unit, summary=summary, served=served)
    return cast("int | None", _option(key))


def flag(default: bool, summary: str, *, served: bool = True) -> bool:
    """An option that is on or off."""
    return cast(bool, _option(Key(Kind.FLAG, default, summary=summary, served=served)))


def choice(default: str, choices: tuple[str, ...], summary: str, *, served: bool = True) -> str:
    """An option with a few possible words."""
    key = Key(Kind.CHOICE, default, choices=choices, summary=summary, served=served)
    return cast(str, _option(key))


def names(summary: str, *, served: bool = True) -> tuple[str, ...]:
    """An option that lists names, in one string with commas or in an array."""
    key = Key(Kind.NAMES, (), check=plain_name, summary=summary, served=served)
    return cast("tuple[str, ...]", _option(key))


def text(default: str, summary: str, check: Check | None = None, *, served: bool = True) -> str:
    """An option that is a text, looked at by `check`."""
    key = Key(Kind.TEXT, default, check=check, summary=summary, served=served)
    return cast(str, _option(key))


_WITH_UNDERSCORES = frozenset({"ics_multi_media_agent_seat"})


def option_keys(section: type) -> dict[str, Key]:
    """The options of a section, by the name that the file has for them."""
    return {spelled(each.name): each.metadata["key"] for each in fields(section)}


def section_of(section: type[Section], given: Mapping[str, object]) -> Section:
    """A section from values that are checked already; what is not given is default."""
    known = {spelled(each.name): each.name for each in fields(cast(Any, section))}
    return section(**{known[name]: value for name, value in given.items() if name in known})


def spelled(name: str) -> str:
    """A field's name as the file has it: the field's options have dashes, but for one."""
    return name if name in _WITH_UNDERSCORES else name.replace("_", "-")
