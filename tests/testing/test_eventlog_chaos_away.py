"""What happens to a log, and to nodes meanwhile, is drawn so that everything has its turn."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from ixproxy.errors import IxproxyError
from ixproxy.testing.capture_chaos_faults import STRIKES
from ixproxy.testing.eventlog_chaos_away import AFTERWARDS, WHILE, Round, draw
from ixproxy.testing.eventlog_chaos_deployment import NODES
from ixproxy.testing.eventlog_chaos_outsides import Fault

FAULTS = {
    name: Fault(lambda: None, lambda: None, least, most)
    for name, least, most in (("locked", 1.0, 2.0), ("killed", 3.0, 4.0), ("full", 0.0, 0.0))
}


def test_every_fault_and_every_strike_happens_before_one_comes_again() -> None:
    rounds = draw(FAULTS, 9, Random(3))
    assert Counter(each.fault for each in rounds) == dict.fromkeys(FAULTS, 3)
    strikes = Counter(each.strike for each in rounds)
    assert strikes.keys() >= {"", *STRIKES}
    for each in rounds:
        fault = FAULTS[each.fault]
        assert fault.least <= each.seconds <= fault.most
        if each.strike:
            assert each.node in NODES
            assert each.moment in (WHILE, AFTERWARDS)
            assert STRIKES[each.strike][1] <= each.hang <= STRIKES[each.strike][2]


def test_both_moments_and_both_nodes_have_their_turn() -> None:
    rounds = [each for each in draw(FAULTS, 40, Random(1)) if each.strike]
    assert {each.moment for each in rounds} == {WHILE, AFTERWARDS}
    assert {each.node for each in rounds} == set(NODES)


def test_the_same_seed_draws_the_same_and_only_some_if_asked() -> None:
    assert draw(FAULTS, 7, Random(5)) == draw(FAULTS, 7, Random(5))
    assert {each.fault for each in draw(FAULTS, 5, Random(5), ["full"])} == {"full"}


def test_a_run_without_any_that_is_wanted_is_refused() -> None:
    with pytest.raises(IxproxyError, match="there are none among locked, killed, full"):
        draw(FAULTS, 5, Random(5), ["flood"])


def test_a_round_says_what_happens_in_it() -> None:
    assert str(Round("locked", 1.23)) == "locked, 1.2 s"
    struck = Round("locked", 1.0, "kill both", "ixn2", WHILE)
    assert str(struck) == "locked, 1.0 s; ixn2 while it is away: kill both"
