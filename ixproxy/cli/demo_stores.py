"""Looks into the nodes' databases, read-only and past the nodes."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ixproxy.errors import StorageError


@dataclass(slots=True)
class Stored:
    """
    What lies in all databases of the cluster.

    :ivar nodes_of: interaction id to the nodes that have a row of it.
    :ivar counts: (node, media type) to the number of rows.
    :ivar queues: queue to the ids in it.
    :ivar parties: rows that say that somebody has an interaction.
    """

    nodes_of: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    queues: dict[str, set[str]] = field(default_factory=dict)
    parties: int = 0

    @property
    def twice(self) -> list[str]:
        """Ids that more than one node has."""
        return [identifier for identifier, nodes in self.nodes_of.items() if len(nodes) > 1]

    def per_node(self, nodes: Iterable[str]) -> dict[str, int]:
        """Rows by node."""
        found = dict.fromkeys(nodes, 0)
        for (node, _), count in self.counts.items():
            found[node] += count
        return found


def look(stores: dict[str, Path]) -> Stored:
    """
    Read all databases, each as of one moment.

    :param stores: node to its database.
    :raise StorageError: one cannot be read.
    """
    stored = Stored()
    for node, path in stores.items():
        try:
            connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)
            try:
                connection.execute("BEGIN")
                for identifier, media_type, queue in connection.execute(
                    "SELECT id, media_type, queue FROM interactions"
                ):
                    stored.nodes_of.setdefault(identifier, []).append(node)
                    stored.counts[node, media_type] += 1
                    stored.queues.setdefault(queue, set()).add(identifier)
                (parties,) = connection.execute("SELECT count(*) FROM parties").fetchone()
                stored.parties += parties
            finally:
                connection.close()
        except sqlite3.Error as problem:
            raise StorageError(f"{path}: {problem}") from problem
    return stored
