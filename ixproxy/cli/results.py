"""Shows answers that hold interactions: found, pulled, in a workbin, or one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ixproxy.cli.output import Output, moment
from ixproxy.errors import describe
from ixproxy.messages import EventPulledInteractions
from ixproxy.messages.answers import InteractionsAnswer
from ixproxy.values import InteractionState

COLUMNS = ("id", "media type", "queue", "state", "placed in queue (UTC)", "user data")


def state_name(value: object) -> str:
    """`queued`, `routing`, …; a number that has no name stays one."""
    try:
        return InteractionState(value).name.lower()  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return str(value)


def summary_row(identifier: str, properties: Mapping[str, Any]) -> list[object]:
    """One line about one interaction."""
    user_data = properties.get("UserData")
    user_data = user_data if isinstance(user_data, Mapping) else {}
    shown = ", ".join(f"{key}={value}" for key, value in user_data.items())
    placed = properties.get("PlacedInQueueAt") or properties.get("MovedToQueueAt") or 0.0
    return [
        identifier,
        properties.get("MediaType", ""),
        properties.get("Queue", ""),
        state_name(properties.get("InteractionState", "")),
        moment(placed) if isinstance(placed, int | float) else placed,
        shown if len(shown) <= 60 else shown[:57] + "...",
    ]


def interaction_record(
    answer: InteractionsAnswer, identifier: str, properties: Mapping[str, Any]
) -> dict[str, object]:
    """One interaction of an answer, as `--json` prints it."""
    record: dict[str, object] = {"interaction_id": identifier, "properties": properties}
    if identifier in answer.sort_keys:
        record["sort_key"] = answer.sort_keys[identifier].hex()
    if isinstance(answer, EventPulledInteractions):
        record["take_number"] = answer.take_numbers.get(identifier, 0)
    return record


def show_answer(answer: InteractionsAnswer, partial: bool, output: Output, what: str) -> None:
    """Print all interactions of an answer; what is missing is said, never hidden."""
    if output.json:
        for identifier, properties in answer.interactions.items():
            output.record(interaction_record(answer, identifier, properties))
        output.record(
            {
                "interactions": len(answer.interactions),
                "partial": partial,
                "have_more": answer.have_more,
            }
        )
        return
    if answer.interactions:
        output.table(COLUMNS, [summary_row(*each) for each in answer.interactions.items()])
    count = len(answer.interactions)
    output.line(f"{what}: {count} interaction{'' if count == 1 else 's'}")
    if answer.have_more:
        output.line("There are more than the limit lets through.")
    if partial:
        output.line("Partial: a node that may have more did not answer.")


def show_missing(errors: Mapping[str, int], output: Output) -> None:
    """Print which ids of a pull were not taken, and why."""
    for identifier, code in errors.items():
        text = f"{identifier} not taken: {code}: {describe(code)}"
        output.record(
            {"interaction_id": identifier, "error": code, "description": describe(code)}, text
        )
