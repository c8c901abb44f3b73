"""What values the parameters of iWD's stylesheets may have: others would mean nothing."""

from __future__ import annotations

from ixproxy.node.intake_work import Said

FIRST_QUEUE = frozenset({"CompleteQueues", "CancelQueues", "RestartQueues"})
"""Of the inbound one: the first queue is where a task is moved to."""

FLAGS = frozenset(
    {
        "AllowAnyAttributes",
        "CaseSensitiveActions",
        "CaseSensitiveAttributes",
        "includeWorkbinQueueName",
        "specificQueueNotifications",
    }
)

WANTED = "wanted"


def wrong_with(name: str, value: str, *, inbound: bool) -> str:
    """Why a parameter cannot have this value; "": it can."""
    if name in FLAGS and value not in ("true", "false"):
        return f"expected 'true' or 'false', not {value!r}"
    if inbound and name in FIRST_QUEUE and not value.split(",")[0].strip():
        return f"expected names of queues with commas between, not {value!r}"
    if name == WANTED:
        known = [said.value for said in Said]
        unknown = [word for word in value.split() if word not in known]
        if unknown:
            return f"expected of words {', '.join(known)}, not {unknown[0]!r}"
    return ""
