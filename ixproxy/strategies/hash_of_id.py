"""
Routing: an interaction that brings its own id goes to that id's home node.

Theory of operation: clients may give their own ids, and no node sees what
another holds. When every proxy sends equal ids to one node, that node refuses
the second. The home is found by rendezvous hashing over the *configured*
nodes, which is why they are a setting: over the linked ones it would move
whenever a node goes away, and the second of two equal ids would be accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zope.interface import implementer

from ixproxy.interfaces import IRoutingStrategy
from ixproxy.strategies.round_robin import RoundRobin
from ixproxy.strategies.settings import Settings
from ixproxy.values import Draft, NodeName, NodeView, rendezvous


@dataclass(frozen=True, slots=True)
class Home:
    """A configured node, and for what it may be a home; empty: for all."""

    name: NodeName
    tenants: frozenset[int] = frozenset()
    media_types: frozenset[str] = frozenset()

    def takes(self, draft: Draft) -> bool:
        """Whether the draft's home may be here."""
        return (not self.tenants or draft.tenant_id in self.tenants) and (
            not self.media_types or draft.media_type in self.media_types
        )


@implementer(IRoutingStrategy)
class HashOfId:
    """A home node that is not linked refuses; a draft without an id goes in turn."""

    def __init__(self, homes: Sequence[Home]) -> None:
        self._homes = tuple(homes)
        self._without_id = RoundRobin()

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """The home alone, for no other node may take the draft; none while it is away."""
        if not draft.interaction_id:
            return self._without_id.rank(draft, nodes)
        homes = (home.name for home in self._homes if home.takes(draft))
        ranked = rendezvous(draft.interaction_id, homes)
        linked = {node.name for node in nodes}
        return [name for name in ranked[:1] if name in linked]


def make(settings: Mapping[str, object]) -> HashOfId:
    """
    `nodes`: all nodes of the cluster, by name, linked or not. Either an array
    of names, or a table of tables, `nodes.ixn1.media-types = ["email"]` and
    `nodes.ixn1.tenants = [1]` (ids), where nodes take different work.

    :raise ConfigError: it is missing or unusable, or another key is there.
    """
    keys = Settings(settings)
    given = keys.required("nodes", 'the names of all nodes, such as ["ixn1", "ixn2"]')
    homes: list[Home] = []
    if isinstance(given, Mapping):
        homes = [_home(keys, str(name), value) for name, value in given.items()]
    elif isinstance(given, list | tuple) and all(isinstance(name, str) for name in given):
        homes = [Home(NodeName(name)) for name in given]
    elif given is not None:
        keys.refuse("nodes", f"expected an array of names, or a table of them, not {given!r}")
    names = [home.name for home in homes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        keys.refuse("nodes", f"{name} is named twice")
    if given is not None and not homes:
        keys.refuse("nodes", "expected at least one node")
    keys.finish()
    return HashOfId(homes)


def _home(keys: Settings, name: str, given: object) -> Home:
    if not isinstance(given, Mapping):
        keys.refuse("nodes", f"{name}: expected a table, not {given!r}")
        return Home(NodeName(name))
    for key in given:
        if key not in ("tenants", "media-types"):
            keys.refuse("nodes", f"{name}: unknown {key}; there are: tenants, media-types")
    tenants, media_types = given.get("tenants", ()), given.get("media-types", ())
    if not _all(tenants, int):
        keys.refuse("nodes", f"{name}: tenants: expected an array of ids, not {tenants!r}")
        tenants = ()
    if not _all(media_types, str):
        keys.refuse("nodes", f"{name}: media-types: expected an array of names")
        media_types = ()
    return Home(NodeName(name), frozenset(tenants), frozenset(media_types))


def _all(value: object, kind: type) -> bool:
    return isinstance(value, list | tuple) and all(type(each) is kind for each in value)
