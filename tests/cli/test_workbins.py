"""Which workbin is meant."""

from __future__ import annotations

from argparse import ArgumentParser

import pytest

from ixproxy.cli.outcomes import UsageError
from ixproxy.cli.workbins import add_owner_options, workbin_of
from ixproxy.messages import Workbin


def said(*argv: str) -> Workbin:
    parser = ArgumentParser()
    add_owner_options(parser, "--workbin")
    return workbin_of(parser.parse_args(argv))


def test_a_workbin_has_a_type_and_one_owner() -> None:
    assert said("--workbin", "Drafts", "--of-agent", "kim") == Workbin(
        workbin_type_id="Drafts", workbin_agent_id="kim"
    )
    assert said("--workbin", "W", "--of-place-group", "p").workbin_place_group_id == "p"


@pytest.mark.parametrize(
    "argv",
    [
        ("--of-agent", "kim"),
        ("--workbin", "Drafts"),
        ("--workbin", "Drafts", "--of-agent", "kim", "--of-group", "g"),
    ],
)
def test_anything_else_is_refused(argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        said(*argv)


def test_the_type_may_stand_without_an_option() -> None:
    parser = ArgumentParser()
    add_owner_options(parser, "TYPE")
    assert workbin_of(parser.parse_args(["Drafts", "--of-place", "p"])).workbin_place_id == "p"
