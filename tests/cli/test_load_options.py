"""The command line of `ixctl load`."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from ixproxy.cli.load_arrivals import Spacing
from ixproxy.cli.load_options import rate, spell
from ixproxy.cli.main import parser

WHERE = ("load", "--connect", "tcp:h:1")


def test_a_rate_is_above_nought() -> None:
    assert rate("0.5") == 0.5
    for text in ("0", "-1", "many", "nan", "2000000"):
        with pytest.raises(ArgumentTypeError, match="requests a second"):
            rate(text)


def test_a_spell_may_be_none() -> None:
    assert (spell("0"), spell("1.5")) == (0.0, 1.5)
    with pytest.raises(ArgumentTypeError):
        spell("-1")


def test_options_have_sensible_defaults() -> None:
    args = parser(["load"]).parse_args(WHERE)
    assert str(args.mix) == "submit=1,pull=1,stop=1"
    assert (args.rate, args.arrivals, args.depth, args.warm_up) == (None, None, 1, 0.0)
    args = parser(["load"]).parse_args([*WHERE, "--rate", "10", "--arrivals", "even"])
    assert args.arrivals is Spacing.EVEN
