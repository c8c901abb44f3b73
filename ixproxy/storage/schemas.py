"""The files of which a store's schema is made, and brought up to date."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

VERSION = 4
"""The schema that this program speaks; the number that it has on every store."""


@dataclass(frozen=True, slots=True)
class Schema:
    """
    Numbered files: `sqlite-v4.sql` makes version 4, `sqlite-v3-to-v4.sql` makes it of version 3.

    :ivar version: the newest.
    :ivar kind: the store's, with which the names begin.
    """

    folder: Traversable
    version: int = VERSION
    kind: str = "sqlite"

    def creation(self) -> str:
        """The statements that make a new database."""
        return (self.folder / f"{self.kind}-v{self.version}.sql").read_text("utf-8")

    def upgrade(self, version: int) -> str:
        """The statements that make `version` + 1 of `version`."""
        name = f"{self.kind}-v{version}-to-v{version + 1}.sql"
        return (self.folder / name).read_text("utf-8")


def built_in(kind: str) -> Schema:
    """The schema of a kind of store that comes with this package."""
    return Schema(files("ixproxy.storage") / "schema", VERSION, kind)
