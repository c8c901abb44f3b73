"""What this package offers to ixproxy's plug-in search; names only."""

from __future__ import annotations

from ixproxy.plugin import RoutingStrategyMaker

sticky = RoutingStrategyMaker(
    "acme-sticky",
    "Work of one submitter, queue or media type stays on one node.",
    "acme_ixproxy.sticky.make",
)
