"""What a message is known to carry, by its public attribute names."""

from __future__ import annotations

from ixproxy.messages import Message


def attributes(message: type[Message]) -> set[str]:
    """The names of a message's attributes as they stand on the wire."""
    return set(message.__struct_encode_fields__)


def lacking(message: type[Message], names: str) -> set[str]:
    """Those of `names` that the message does not have."""
    return set(names.split()) - attributes(message)
