"""What a source of a capture chaos run gives, and what it was told: the words of its books."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

QUEUE = "In"
NOWHERE = "Nowhere"
"""A queue that the tenant does not have."""


class Sort(Enum):
    """What a document is like; the bad ones must come to the error place."""

    GOOD = "submits one"
    TWO = "submits two"
    HALF = "submits one, and another where it cannot"
    TORN = "not well-formed"
    VERB = "an operation that there is not"
    REFUSED = "a queue that there is not"


BAD = frozenset({Sort.TORN, Sort.VERB, Sort.REFUSED})
BAD_SHARE = 0.03
OTHER_SHARE = 0.03
"""Documents that are bad, and those that hold two operations."""

_SUBMITS: Mapping[Sort, tuple[str, ...]] = {
    Sort.GOOD: ("",), Sort.TWO: (".1", ".2"), Sort.HALF: (".1",),
}  # fmt: skip
_REFUSED: Mapping[Sort, tuple[str, ...]] = {Sort.HALF: (".2",), Sort.REFUSED: ("",)}


@dataclass(frozen=True, slots=True)
class Given:
    """One document of a source; each operation of it has an external id that nothing else has."""

    name: str
    sort: Sort = Sort.GOOD

    @property
    def bad(self) -> bool:
        """Whether nothing of it can be done."""
        return self.sort in BAD

    @property
    def submits(self) -> tuple[str, ...]:
        """The external ids that become interactions."""
        return tuple(self.name + end for end in _SUBMITS.get(self.sort, ()))

    @property
    def refused(self) -> tuple[str, ...]:
        """The external ids of operations that the node refuses."""
        return tuple(self.name + end for end in _REFUSED.get(self.sort, ()))


@dataclass(frozen=True, slots=True)
class Told:
    """
    One thing that a source was told.

    :ivar said: "submitted", "error", "held"…
    :ivar number: what is the same only where the same thing is told again.
    :ivar interaction_id: where that was said.
    :ivar document: the name of what it is about as a whole, where that was said.
    """

    said: str
    external_id: str
    number: str
    interaction_id: str = ""
    document: str = ""


def draw(count: int, sorts: Sequence[Sort], random: Random) -> list[Given]:
    """
    Documents for a run.

    :param sorts: those that the kind of capture point can be given.
    """
    bad = [sort for sort in sorts if sort in BAD]
    others = [sort for sort in sorts if sort not in BAD and sort is not Sort.GOOD]
    found = []
    for number in range(count):
        drawn, sort = random.random(), Sort.GOOD
        if bad and drawn < BAD_SHARE:
            sort = random.choice(bad)
        elif others and drawn < BAD_SHARE + OTHER_SHARE:
            sort = random.choice(others)
        found.append(Given(f"d{number:05}", sort))
    return found


def xml(given: Given) -> bytes:
    """A document in the native XML."""
    if given.sort is Sort.TORN:
        return f'<interaction operation="submit" ExternalId="{given.name}"><properties>'.encode()
    verb = "explode" if given.sort is Sort.VERB else "submit"
    asked = [(id, QUEUE) for id in given.submits] + [(id, NOWHERE) for id in given.refused]
    inside = "".join(
        f'<interaction operation="{verb}" ExternalId="{id}"><properties><Queue>{queue}</Queue>'
        f"<Note>Grüße an {id}</Note></properties></interaction>"
        for id, queue in asked or [(given.name, QUEUE)]
    )
    return (inside if len(asked) < 2 else f"<work>{inside}</work>").encode()


def toml(settings: Mapping[str, object]) -> str:
    """
    Lines of a table of the deployment file.

    Endpoints stand in single quotes, so that nobody who looks for ports of nodes changes them.
    """
    lines = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            inside = ", ".join(toml(value).splitlines())
            lines.append(f"{key} = {{ {inside} }}")
        elif isinstance(value, str) and value.startswith("tcp:"):
            lines.append(f"{key} = '{value}'")
        else:
            lines.append(f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _key(key: str) -> str:
    return json.dumps(key) if "." in key else key
