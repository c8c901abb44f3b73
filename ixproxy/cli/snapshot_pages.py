"""Shows the members of a snapshot, page after page."""

from __future__ import annotations

from argparse import Namespace

from ixproxy.cli.connecting import Connected
from ixproxy.cli.output import Output
from ixproxy.cli.results import COLUMNS, interaction_record, summary_row
from ixproxy.errors import describe
from ixproxy.messages import EventSnapshotInteractions, RequestGetSnapshotInteractions


async def show_pages(connection: Connected, number: int, args: Namespace, output: Output) -> None:
    """
    Show the members of snapshot `number`, those that have left included.

    `args.start`, `args.number` (0: all from there on) and `args.page` say which,
    and how many are asked for at a time.
    """
    at, left, shown, gone = args.start, args.number, 0, 0
    more = True
    while more:
        count = min(args.page, left) if left else args.page
        request = RequestGetSnapshotInteractions(
            tenant_id=connection.tenant_id,
            snapshot_id=number,
            start_from=at,
            number_of_interactions=count,
        )
        message, partial = await connection.client.ask(request, args.timeout)
        assert isinstance(message, EventSnapshotInteractions)
        page = message
        _show(page, output)
        if partial:
            output.line("Partial: a node that has some of it did not answer.")
        covered = len(page.interactions.keys() | page.errors.keys())
        at += covered
        shown += len(page.interactions)
        gone += len(page.errors)
        more = page.have_more and covered > 0
        if left:
            left -= covered
            more = more and left > 0
    text = f"shown: {shown}" + (f", left meanwhile: {gone}" if gone else "")
    output.record({"interactions": shown, "gone": gone, "have_more": page.have_more}, text)


def _show(page: EventSnapshotInteractions, output: Output) -> None:
    if output.json:
        for identifier, properties in page.interactions.items():
            output.record(interaction_record(page, identifier, properties))
    elif page.interactions:
        output.table(COLUMNS, [summary_row(*each) for each in page.interactions.items()])
    for identifier, code in page.errors.items():
        output.record(
            {"interaction_id": identifier, "error": code, "description": describe(code)},
            f"{identifier}: {code}: {describe(code)}",
        )
