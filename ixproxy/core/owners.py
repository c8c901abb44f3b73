"""
Which node holds an interaction: a bounded cache, oldest use out first.

What a restart loses, and who restores it: the cache starts empty and each id
is located again. Every entry is *confirmed*: the node itself said that it has
the interaction, by an answer or by an event for a client.
"""

from __future__ import annotations

from collections import OrderedDict

from ixproxy.values import NodeName


class Owners:
    """
    Interaction id (UTF-8 bytes, as they stand in a prefix) to node.

    :param size: entries kept, at least 1.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._owners: OrderedDict[bytes, NodeName] = OrderedDict()

    def __len__(self) -> int:
        return len(self._owners)

    @property
    def size(self) -> int:
        """How many entries are kept."""
        return self._size

    def of(self, identifier: bytes) -> NodeName | None:
        """The owner, if known; counts as a use."""
        owner = self._owners.get(identifier)
        if owner is not None:
            self._owners.move_to_end(identifier)
        return owner

    def learn(self, identifier: bytes, node: NodeName) -> None:
        """
        `node` said that it has the interaction.

        Where another node was thought to be the owner the entry is removed:
        which of both is right must be located.
        """
        known = self._owners.get(identifier)
        if known is None:
            self._owners[identifier] = node
            if len(self._owners) > self._size:
                self._owners.popitem(last=False)
        elif known != node:
            del self._owners[identifier]

    def confirm(self, identifier: bytes, node: NodeName) -> None:
        """A locate found `node` and no other to be the owner."""
        self._owners.pop(identifier, None)
        self.learn(identifier, node)

    def forget(self, identifier: bytes) -> None:
        """The interaction is gone, or its owner is in doubt."""
        self._owners.pop(identifier, None)

    def forget_node(self, node: NodeName) -> None:
        """`node` left the cluster for good."""
        for identifier in [key for key, owner in self._owners.items() if owner == node]:
            del self._owners[identifier]

    def resize(self, size: int) -> None:
        """Keep `size` entries from now on; the oldest leave at once."""
        self._size = size
        while len(self._owners) > size:
            self._owners.popitem(last=False)
