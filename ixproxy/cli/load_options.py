"""The command line of `ixctl load`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from ixproxy.cli.connecting import add_options as add_connection
from ixproxy.cli.demo_input import columns_of
from ixproxy.cli.key_values import seconds, whole_number
from ixproxy.cli.load_arrivals import Spacing
from ixproxy.cli.load_content import Sizes, sizes
from ixproxy.cli.load_mix import Kind, mix
from ixproxy.cli.workbins import add_owner_options
from ixproxy.values import ClientType

IN_FLIGHT = 1000
"""Requests in flight of an open loop, unless it says another number."""


def rate(text: str) -> float:
    """
    Requests a second, above 0 and at most a million.

    :raise ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1_000_000:
        raise ArgumentTypeError(f"expected requests a second, such as 250, not {text!r}")
    return value


def spell(text: str) -> float:
    """
    A duration in seconds; 0 is none.

    :raise ArgumentTypeError: it is no such duration.
    """
    return 0.0 if text.strip() in ("0", "0.0") else seconds(text)


def add_options(parser: ArgumentParser) -> ArgumentParser:
    """Add all of them."""
    _add_mix(parser)
    _add_content(parser)
    _add_pace(parser)
    add_owner_options(parser, "--workbin")
    add_connection(parser, ClientType.MEDIA_SERVER, choice=False, session=False)
    return parser


def _add_mix(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what is asked")
    kinds = ", ".join(kind.value for kind in Kind)
    group.add_argument(
        "--mix", type=mix, default=mix("1:1:1"), metavar="KIND=WEIGHT,…",
        help=f"of {kinds}; or S:P:E, weights of submits, pulls and ends (1:1:1)",
    )  # fmt: skip
    group.add_argument("--media-type", default="", metavar="NAME", help="of what is submitted")
    group.add_argument("--queue", default="", help="where it is submitted to")
    group.add_argument("--view", default="", metavar="QUEUE/VIEW", help="what is pulled from")
    group.add_argument(
        "--into", default="", metavar="QUEUE", help="where it is placed (the view's queue)"
    )
    group.add_argument(
        "--agents", type=whole_number, default=10, help="of each client, in turn (%(default)s)"
    )
    group.add_argument("--seed", type=int, default=1, help="of what is drawn (%(default)s)")


def _add_content(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("what is submitted")
    group.add_argument(
        "--bytes", type=sizes, default=Sizes(500, 500), metavar="SIZE",
        help="of user data: 500, or drawn from 100-2000 (500)",
    )  # fmt: skip
    group.add_argument(
        "--input", type=Path, metavar="FILE.csv", help="take the rows of a file as user data"
    )
    group.add_argument(
        "--columns", type=columns_of, metavar="media=COLUMN,queue=COLUMN",
        help="columns of the file that say media type and queue",
    )  # fmt: skip
    group.add_argument(
        "--encoding", default="utf-8-sig", metavar="NAME", help="of the file (UTF-8)"
    )


def _add_pace(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("how much of it, and for how long")
    group.add_argument(
        "--clients", type=whole_number, default=4,
        help="clients, each with a connection for each type that its requests need (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--depth", type=whole_number, default=1,
        help="closed loop: requests in flight of each client (%(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--think", type=spell, default=0.0, metavar="SECONDS",
        help="closed loop: between an answer and the next request, on average",
    )  # fmt: skip
    group.add_argument(
        "--rate", type=rate, metavar="N",
        help="open loop: send N requests a second, whatever is answered",
    )  # fmt: skip
    group.add_argument(
        "--arrivals", type=Spacing, choices=list(Spacing), metavar="poisson|even",
        help="open loop: how they follow one another (poisson)",
    )  # fmt: skip
    group.add_argument(
        "--max-in-flight", type=whole_number, metavar="N",
        help=f"open loop: with so many in flight a request is missed ({IN_FLIGHT})",
    )  # fmt: skip
    group.add_argument("--seconds", type=seconds, default=10.0, help="measured (%(default)g)")
    group.add_argument("--count", type=whole_number, default=None, help="at most so many requests")
    group.add_argument(
        "--warm-up", type=spell, default=0.0, metavar="SECONDS",
        help="before anything is measured",
    )  # fmt: skip
    group.add_argument(
        "--ramp-up", type=spell, default=0.0, metavar="SECONDS",
        help="over which the load rises to its full height",
    )  # fmt: skip
