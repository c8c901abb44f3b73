"""`ixctl submit`."""

from __future__ import annotations

from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError, RequestSubmit, Workbin
from tests.cli.worlds import CommandWorld


def test_an_interaction_is_handed_in_with_all_that_was_said(world: CommandWorld) -> None:
    world.reply(RequestSubmit, EventAck(interaction_id="id-1"))
    ran = world.ixctl(
        "submit", "--media-type", "email", "--queue", "Q1", "--type", "Inbound", "--subtype", "New",
        "--id", "own", "--parent", "p", "--external-id", "x-1", "--received-at", "1000",
        "--online", "--receipt", "r-1", "-d", "Subject=Hello", "-d", "Priority:=3",
        "--user-data", '{"Subject": "earlier", "From": "kim"}',
        "--workbin", "Drafts", "--of-agent", "kim",
    )  # fmt: skip
    assert (ran.code, ran.stdout) == (0, "id-1\n")
    assert world.asked == [
        RequestSubmit(
            tenant_id=1,
            media_type="email",
            interaction_id="own",
            queue="Q1",
            interaction_type="Inbound",
            interaction_subtype="New",
            is_online=True,
            received_at=1000.0,
            user_data={"Subject": "Hello", "From": "kim", "Priority": 3, "ExternalId": "x-1"},
            parent_interaction_id="p",
            workbin=Workbin(workbin_type_id="Drafts", workbin_agent_id="kim"),
            submit_receipt="r-1",
        )
    ]
    assert world.server.registered[0].client_type == "MediaServer"


def test_a_repeated_receipt_is_said_to_be_one(world: CommandWorld) -> None:
    world.reply(RequestSubmit, EventAck(interaction_id="id-1", repeated=True))
    assert "there already" in world.ixctl("submit", "--media-type", "email").stdout
    ran = world.ixctl("submit", "--media-type", "email", "--json")
    assert ran.records == [{"interaction_id": "id-1", "take_number": 0, "repeated": True}]


def test_a_refusal_is_exit_code_1_with_its_code(world: CommandWorld) -> None:
    world.reply(RequestSubmit, EventError(error_code=Code.NO_SERVERS, error_description="none"))
    ran = world.ixctl("submit", "--media-type", "fax")
    assert ran.code == 1
    assert ran.stderr == "ixctl: 2001: none\n"
