"""
Work that has the same submitter, queue or media type goes to the same node.

Theory of operation: all nodes are ranked by rendezvous hashing of the chosen
property, so that every proxy ranks them alike without talking to the others,
and a node that leaves moves only the work that it had. A first node that is
too far behind gives way to the least busy ones until it has caught up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from zope.interface import implementer

from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.interfaces import IRoutingStrategy
from ixproxy.values import Draft, NodeName, NodeView, rendezvous

PROPERTIES: Mapping[str, Callable[[Draft], str]] = {
    "submitted-by": lambda draft: draft.submitted_by,
    "queue": lambda draft: draft.queue,
    "media-type": lambda draft: draft.media_type,
}
"""What `by` may say, and where a draft has it."""


@implementer(IRoutingStrategy)
class Sticky:
    """
    One property decides, while the node that it chooses keeps up.

    :param by: a key of `PROPERTIES`.
    :param most_behind: how many more interactions may wait on the chosen node
        than on the least busy one; None: any number.
    """

    def __init__(self, by: str, most_behind: int | None = None) -> None:
        self._property = PROPERTIES[by]
        self._most_behind = most_behind

    def rank(self, draft: Draft, nodes: Sequence[NodeView]) -> Sequence[NodeName]:
        """The node of the draft's property first, or the least busy ones."""
        key = f"{draft.tenant_id}/{self._property(draft)}"
        ranked = rendezvous(key, [node.name for node in nodes])
        if self._most_behind is None or not ranked:
            return ranked
        waiting = {node.name: node.load.backlog for node in nodes}
        if waiting[ranked[0]] - min(waiting.values()) <= self._most_behind:
            return ranked
        # Sorting keeps the order of equals, so all proxies agree on who helps, too.
        return sorted(ranked, key=lambda name: waiting[name])


def make(settings: Mapping[str, object]) -> Sticky:
    """
    `by`: a property, "submitted-by" unless said; `most-behind`: a whole number, 0 or more.

    :raise ConfigError: a key is unknown, or a value cannot be used.
    """
    problems = [
        ConfigProblem("", key, "unknown setting; there are: by, most-behind")
        for key in settings
        if key not in ("by", "most-behind")
    ]
    by = settings.get("by", "submitted-by")
    if by not in PROPERTIES:
        text = f"expected one of {', '.join(PROPERTIES)}, not {by!r}"
        problems.append(ConfigProblem("", "by", text))
    most = settings.get("most-behind")
    whole = isinstance(most, int) and not isinstance(most, bool) and most >= 0
    if most is not None and not whole:
        text = f"expected a whole number of 0 or more, not {most!r}"
        problems.append(ConfigProblem("", "most-behind", text))
    if problems:
        raise ConfigError(problems)
    return Sticky(str(by), most if isinstance(most, int) else None)
