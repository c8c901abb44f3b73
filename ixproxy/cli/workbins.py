"""Says on a command line which workbin is meant: its type and its one owner."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ixproxy.cli.outcomes import UsageError
from ixproxy.messages import Workbin

OWNERS = ("agent", "group", "place", "place-group")


def add_owner_options(parser: ArgumentParser, workbin: str) -> None:
    """
    Add the options for a workbin.

    :param workbin: the name of the argument for its type.
    """
    group = parser.add_argument_group("workbin")
    if workbin.startswith("-"):
        group.add_argument(workbin, dest="workbin", default="", metavar="TYPE", help="its type")
    else:
        group.add_argument("workbin", metavar=workbin, nargs="?", default="", help="its type")
    for owner in OWNERS:
        group.add_argument(
            f"--of-{owner}",
            metavar="NAME",
            default="",
            help=f"the workbin of a {owner.replace('-', ' ')}",
        )


def workbin_of(args: Namespace, *, typed: bool = True) -> Workbin:
    """
    The workbin that the arguments say.

    :param typed: its type must be named; otherwise all of one owner may be meant.
    :raise UsageError: no type, or not exactly one owner.
    """
    owners = [args.of_agent, args.of_group, args.of_place, args.of_place_group]
    if not args.workbin and typed:
        raise UsageError("name the type of the workbin")
    if sum(map(bool, owners)) != 1:
        options = ", ".join(f"--of-{owner}" for owner in OWNERS)
        raise UsageError(f"a workbin has one owner: give one of {options}")
    agent, group, place, place_group = owners
    return Workbin(
        workbin_type_id=args.workbin,
        workbin_agent_id=agent,
        workbin_group_id=group,
        workbin_place_id=place,
        workbin_place_group_id=place_group,
    )
