"""What a key-value list may hold, checked once where it is decoded."""

from __future__ import annotations

from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages.message import KeyValues

MAX_DEPTH = 32
"""How deep maps and lists may stand in one another, the body counted as 1."""

SCALARS = frozenset({str, int, float, bool, bytes, type(None)})
"""The types of values that hold no others."""

_GREATEST = 2**63 - 1


def check_key_values(values: KeyValues, name: str) -> None:
    """
    Refuse what stores and the other side could not take.

    :param values: one decoded key-value list, an attribute of a message.
    :param name: how the attribute is called on the wire.
    :raise RemoteProtocolError: BAD_ATTRIBUTE, with the attribute and its key:
        a nested key that is no string, a value of a MessagePack extension
        type, an integer above 2**63 - 1, or more than `MAX_DEPTH` levels.
    """
    for key, value in values.items():
        left: list[tuple[object, int]] = [(value, 3)]
        while left:
            found, depth = left.pop()
            if type(found) is int:
                if found > _GREATEST:
                    raise _bad(name, key, f"{found} is greater than 2**63 - 1")
            elif type(found) in SCALARS:
                continue
            elif depth > MAX_DEPTH:
                raise _bad(name, key, f"nested deeper than {MAX_DEPTH} levels")
            elif isinstance(found, dict):
                for inner in found:
                    if type(inner) is not str:
                        raise _bad(name, key, f"a key is {type(inner).__name__}, expected str")
                left.extend((each, depth + 1) for each in found.values())
            elif isinstance(found, list):
                left.extend((each, depth + 1) for each in found)
            else:
                raise _bad(name, key, "a value is of a MessagePack extension type")


def _bad(name: str, key: str, text: str) -> RemoteProtocolError:
    return RemoteProtocolError(Code.BAD_ATTRIBUTE, f"{name}[{key!r}]: {text}")
