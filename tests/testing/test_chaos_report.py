"""What a run shows."""

from __future__ import annotations

import json

import pytest

from ixproxy.testing.chaos_report import by_kind, failed, lines, record, round_line, wrong
from ixproxy.testing.chaos_rounds import Round, Service
from ixproxy.testing.chaos_scene import Options


def told(number: int, *service: Service, **found: list[str]) -> Round:
    done = Round(number, ["kill primary: ixn1"], 21.0, 1000, 120, errors={2002: 3})
    done.service = list(service)
    done.wrong = {"lost": [], **found}
    return done


def taken_over(gap: float) -> Service:
    return Service("kill primary", "ixn1", "ixn1", "", gap, 0.1, 5.0)


CUT = Service("cut proxy from node", "ixn2", "ixn2", "proxy1", 6.5, 0.7)
TWO, THREE = Options(rounds=2), Options(rounds=3)
GOOD = [told(1, taken_over(1.0), CUT), told(2, taken_over(3.0))]


def test_a_good_run_fails_nothing_and_says_medians_and_maxima() -> None:
    assert not failed(TWO, GOOD)
    text = "\n".join(lines(TWO, GOOD, [], 2 << 20))
    assert "median 2.00 s, maximum 3.00 s, of 2; may be 5.0 s" in text
    assert "lost 0, doubled 0, unanswered 0, stranded 0" in text
    assert "also wrong: nothing" in text
    assert "refusals: 6 × 2002" in text
    assert "NOT SHOWN" not in text
    (cut,) = (line for line in text.splitlines() if line.startswith("cut proxy"))
    assert cut.split()[-5:] == ["-", "0.70", "/", "0.70", "s"]


def test_what_is_wrong_is_counted_and_told() -> None:
    bad = [*GOOD, told(3, taken_over(9.0), lost=["A is lost"], late=["ixn1 was late"])]
    assert failed(THREE, bad)
    assert wrong(THREE, bad) == {"lost": ["round 3: A is lost"], "late": ["round 3: ixn1 was late"]}
    text = "\n".join(lines(THREE, bad, [], 0))
    assert "lost 1, doubled 0" in text
    assert "also wrong: late 1" in text
    assert "lost: round 3: A is lost" in text
    assert "WRONG: 1 lost, 1 late" in round_line(bad[2], 3)
    assert by_kind(bad)["kill primary"][2].late


def test_very_much_that_is_wrong_is_cut_short() -> None:
    bad = [told(1, lost=[f"{number} is lost" for number in range(50)])]
    assert "  and 30 more" in list(lines(Options(rounds=1), bad, [], 0))


def test_what_was_not_shown_is_said_and_in_the_json() -> None:
    missing = ["full disks: mounting takes root"]
    assert "NOT SHOWN: full disks: mounting takes root" in list(lines(TWO, GOOD, missing, 0))
    kept = json.loads(json.dumps(record(Options(seed=9), GOOD, missing, 0)))
    assert (kept["seed"], kept["not_shown"]) == (9, missing)
    assert kept["service"]["kill primary"]["gap_maximum"] == 3.0
    assert kept["service"]["cut proxy from node"]["limit"] is None
    assert len(kept["rounds"]) == 2


@pytest.mark.parametrize(
    ("options", "played", "why"),
    [
        (Options(rounds=20, minutes=12), GOOD, "2 of 20 rounds were played in 12 minutes"),
        (Options(rounds=2, minutes=0.5), [], "0 of 2 rounds were played in 0.5 minutes"),
        (THREE, GOOD, "2 of 3 rounds were played"),
    ],
)
def test_a_run_of_fewer_rounds_than_asked_for_fails(
    options: Options, played: list[Round], why: str
) -> None:
    assert failed(options, played)
    assert f"  unplayed: {why}" in list(lines(options, played, [], 0))
    assert record(options, played, [], 0)["wrong"]["unplayed"] == [why]
