"""A cluster in memory whose first node has capture points on mail in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ixproxy.net.capture_plans import CaptureLimits, CapturePlan
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.node.intake_work import Document, Operation, Verb
from ixproxy.testing.cluster import Cluster
from ixproxy.testing.memory_capture import Mail, MemoryPoint

POINT = "mail-in"


def plan(
    mail: Mail,
    name: str = POINT,
    *,
    receipts: bool = True,
    limits: CaptureLimits | None = None,
    **rules: Any,
) -> CapturePlan:
    """A capture point on a mail; `settings` tell mails from each other."""
    return CapturePlan(
        name,
        "memory",
        lambda: MemoryPoint(mail, receipts=receipts),
        {"mail": id(mail)},
        CaptureRules(**rules),
        limits or CaptureLimits(),
    )


def letter(external_id: str, verb: Verb = Verb.SUBMIT, **properties: Any) -> Operation:
    """An operation of a document; a submit is complete."""
    if verb is Verb.SUBMIT:
        properties = {"MediaType": "email", "Queue": "In", **properties}
    return Operation(verb=verb, external_id=external_id, properties=properties)


def put(mail: Mail, name: str, *operations: Operation) -> None:
    """The source has one more document; without operations it submits what has its name."""
    mail.put(name, Document(operations=operations or (letter(name),)))


def capturing(mail: Mail, seed: int = 1, *, pairs: bool = False, **options: Any) -> Cluster:
    """A cluster of one node with one capture point."""
    made = Cluster(seed=seed, nodes=1, proxies=1, pairs=pairs, start=False)
    made.nodes[0].capture(plan(mail, **options))
    made.start_node(0)
    made.start_proxy(0)
    return made


def stored(cluster: Cluster) -> Sequence[str]:
    """The external ids of all interactions that there are, sorted."""
    return sorted(str(row["external_id"]) for row in cluster.rows("interactions"))
