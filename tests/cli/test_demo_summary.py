"""What came of a demo."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import Mock

import pytest

from ixproxy.cli.demo_agents import Fate
from ixproxy.cli.demo_calling import Calls
from ixproxy.cli.demo_deployment import plan
from ixproxy.cli.demo_feeding import Feeding
from ixproxy.cli.demo_stores import Stored
from ixproxy.cli.demo_summary import Result, show
from ixproxy.cli.demo_watching import Watcher
from ixproxy.cli.demo_ways import FEEDS, Way
from ixproxy.cli.latencies import Latencies
from ixproxy.cli.output import Output


def good() -> Result:
    """Four interactions on three nodes, each stopped once."""
    result = Result("a file", 4, 2, ["a", "b", "c", "d"])
    result.before = Stored(
        {"a": ["ixn1"], "b": ["ixn2"], "c": ["ixn3"], "d": ["ixn1"]},
        Counter(
            {("ixn1", "email"): 1, ("ixn1", "chat"): 1, ("ixn2", "email"): 1, ("ixn3", "chat"): 1}
        ),
    )
    result.seen.stops.update("abcd")
    result.seen.fates.update([Fate.STOPPED, Fate.KEPT, Fate.STOPPED, Fate.HELD])
    result.seen.pulls, result.seen.breaks = 4, 1
    result.seen.done.update(logins=2, invited=5, accepted=4, rejected=1, logouts=2)
    result.watcher = Watcher(Mock())
    result.watcher.counts.update(result.done)
    result.watcher.events = 30
    result.seconds.update(start=1.0, submit=2.0, compare=1.0, work=4.0, stop=0.5)
    latencies = Latencies()
    latencies.add(0.002)
    result.measured.latencies["Submit"] = latencies
    return result


def test_a_good_run_is_sound() -> None:
    result = good()
    record = result.record()
    assert result.sound
    assert {name: record[name] for name in ("submitted", "stopped", "handed_in")} == {
        "submitted": 4, "stopped": 4, "handed_in": 4,
    }  # fmt: skip
    wrong = ("lost", "doubled", "user_data_differs", "errors", "left", "partial_answers")
    assert {record[name] for name in wrong} == {0}
    assert record["per_node"] == {"ixn1": 2, "ixn2": 1, "ixn3": 1}
    assert record["per_node_and_media"]["ixn1"] == {"email": 1, "chat": 1}  # type: ignore[index]
    assert (record["order_breaks"], record["seconds"]) == (1, 7.0)
    assert record["reported"] == record["done"]
    assert (record["reported_events"], record["reported_otherwise"]) == (30, 0)
    json.dumps(record)


def called(made: int, new: set[str], answered: int | None) -> Result:
    """A good run, with calls to an external server that handed in as many."""
    result = good()
    calls = result.calls = Calls()
    calls.made, calls.new, calls.answered = made, new, answered
    assert result.watcher is not None
    result.watcher.counts["submitted"] += len(new)
    return result


def test_calls_are_counted_and_equal_on_both_sides() -> None:
    result = called(2, {"x", "y"}, 2)
    assert result.sound
    assert result.record()["calls"] == {"made": 2, "brought": 2, "answered": 2}
    assert "acknowledged by calls" in shown(result)
    assert good().record()["calls"] is None


@pytest.mark.parametrize(
    ("made", "new", "answered"), [(2, {"x", "y"}, 1), (3, {"x", "y"}, 3), (1, {"x"}, None)]
)
def test_calls_that_only_one_side_knows_of_are_said(
    made: int, new: set[str], answered: int | None
) -> None:
    result = called(made, new, answered)
    assert not result.sound
    assert "which is not the same" in shown(result)
    assert f"{made} calls made" in " ".join(shown(result).replace("│", " ").split())


def fed(feed: str) -> Result:
    """A good run that was fed so."""
    result = good()
    feeding = result.feeding = Feeding(
        Mock(), plan(Path("/demo"), ["email"], ["Q1"], Random(1), ways=FEEDS[feed]), Mock()
    )
    feeding.handed_in.update(FEEDS[feed])
    feeding.answered.update(FEEDS[feed])
    if files := feeding.files:
        files.handed_in["ixn1"] = files.lying["processed"] = 1
        files.ids["1.xml"] = "b"
        files.replies["1.xml"] = files.ends["b"] = 1
    if posts := feeding.posts:
        posts.handed_in["ixn1"] = posts.answered = posts.once_more = posts.known = 1
    return result


def test_what_came_by_which_way_is_said() -> None:
    result = fed("both")
    assert result.sound
    text = shown(result)
    for way in Way:
        assert way.value in text
    assert "Of the files there are at the end 0 inbound, 1 processed, 0 error." in text
    assert "1 calls were made once more by the same Idempotency-Key: 1 were known" in text
    feeds = result.record()["feeds"]
    assert isinstance(feeds, dict)
    assert feeds["files"] == {"handed_in": 1, "answered": 1}
    json.dumps(feeds)
    assert "media servers" not in shown(fed("file"))
    for usual in (good(), fed("direct")):
        assert "How they came in" not in shown(usual)


def test_a_feed_that_went_wrong_is_said() -> None:
    result = fed("both")
    assert result.feeding
    result.feeding.answered[Way.CALLS] -= 1
    assert not result.sound
    assert "1 not answered" in shown(result)


def change(do: Callable[[Result], Any]) -> Callable[[Result], Any]:
    return do


def lose_stored(result: Result) -> None:
    del result.before.nodes_of["a"]


def lose_unstopped(result: Result) -> None:
    del result.seen.stops["a"]


def stay(result: Result) -> None:
    del result.seen.stops["a"]
    result.after.nodes_of["a"] = ["ixn1"]


def stay_stopped(result: Result) -> None:
    result.after.nodes_of["a"] = ["ixn1"]


def two_nodes(result: Result) -> None:
    result.before.nodes_of["a"].append("ixn2")


def unasked(result: Result) -> None:
    result.before.nodes_of["x"] = ["ixn2"]
    result.seen.stops["x"] = 1


def same_id(result: Result) -> None:
    result.ids[1] = "a"


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (lose_stored, {"lost": 1, "submitted": 3, "stopped": 3}),
        (lose_unstopped, {"lost": 1, "stopped": 3}),
        (stay, {"left": 1, "stopped": 3, "lost": 0}),
        (stay_stopped, {"left": 1, "stopped": 3, "lost": 0}),
        (two_nodes, {"doubled": 1}),
        (unasked, {"doubled": 1, "submitted": 5}),
        (same_id, {"doubled": 2}),
        (lambda r: r.seen.stops.update("a"), {"doubled": 1, "stopped": 3}),
        (lambda r: setattr(r.seen, "taken_twice", 2), {"doubled": 2}),
        (lambda r: setattr(r, "differs", 3), {"user_data_differs": 3}),
        (lambda r: setattr(r, "finds_differ", 1), {"finds_differ": 1}),
        (lambda r: r.measured.errors.update(["x"]), {"errors": 1, "error_texts": {"x": 1}}),
        (lambda r: setattr(r.measured, "partial", 1), {"partial_answers": 1}),
        (lambda r: setattr(r.after, "parties", 1), {}),
        (lambda r: r.killed.append("ixn1"), {}),
        (lambda r: setattr(r, "handed_in", 5), {"handed_in": 5}),
        (lambda r: r.seen.done.update(["invited"]), {"reported_otherwise": 1}),
        (lambda r: r.watcher.counts.update(["logouts"]), {"reported_otherwise": 1}),
        (lambda r: setattr(r.watcher, "gaps", 2), {"reported_otherwise": 2}),
        (lambda r: setattr(r, "watcher", None), {"reported_otherwise": 22}),
    ],
)
def test_whatever_goes_wrong_is_seen(
    break_it: Callable[[Result], object], expected: dict[str, object]
) -> None:
    result = good()
    break_it(result)
    record = result.record()
    assert not result.sound
    assert {name: record[name] for name in expected} == expected


def test_a_doubtful_submit_that_was_stored_is_no_double() -> None:
    result = good()
    result.ids[0] = ""
    result.measured.errors["RequestSubmit: 2002: lost"] = 1
    assert (result.doubled, result.lost, result.errors) == (0, 0, 1)


def shown(result: Result) -> str:
    stdout = io.StringIO()
    show(result, Output(False, stdout))
    return stdout.getvalue()


def test_a_person_reads_what_went_where_and_how_long_it_took() -> None:
    text = shown(good())
    assert "Everything went well" in text
    assert "deliveries accepted" in text
    for expected in ("email", "ixn2", "Queue order was broken by 1 of 4 pulls (25.0 %)", "Submit",
                     "laid into a workbin", "4 worked off within 4.00 s (1 a second)"):  # fmt: skip
        assert expected in text
    assert "Errors" not in text


def test_a_person_reads_what_went_wrong() -> None:
    result = good()
    lose_unstopped(result)
    result.measured.errors["RequestPull: 2002: [red]lost"] = 3
    text = shown(result)
    assert "Something went wrong" in text
    assert "1 lost" in text
    assert "RequestPull: 2002: [red]lost" in text


def test_many_media_types_are_cut_to_the_largest() -> None:
    result = good()
    result.before.counts.update({("ixn1", f"media {number}"): 1 for number in range(20)})
    assert "others" in shown(result)
