"""What a chaos run shows: a line for each round, figures by kind of fault, and what is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from ixproxy.testing.chaos_rounds import Round, Service
from ixproxy.testing.chaos_scene import Options

SHOWN = 20
"""So much of what is wrong is printed; the rest is in the JSON file."""

ZEROS = ("lost", "doubled", "unanswered", "stranded")
"""What must be 0, in the words of the issue."""


def round_line(told: Round, rounds: int) -> str:
    """One round, on one line."""
    bad = {check: len(found) for check, found in told.wrong.items() if found}
    state = "ok" if not bad else "WRONG: " + ", ".join(f"{n} {check}" for check, n in bad.items())
    return (
        f"{told.number:3}/{rounds}  {told.seconds:5.1f} s  {told.requests:6} requests  "
        f"{told.acknowledged:5} submits  {sum(told.errors.values()):5} errors  "
        f"longest gap {told.worst:5.2f} s  {state}  [{'; '.join(told.faults)}]"
    )


def by_kind(rounds: Sequence[Round]) -> dict[str, list[Service]]:
    """What each kind of fault did."""
    found: dict[str, list[Service]] = defaultdict(list)
    for each in rounds:
        for service in each.service:
            found[service.kind].append(service)
    return found


def wrong(options: Options, rounds: Sequence[Round]) -> dict[str, list[str]]:
    """
    Everything that is wrong, by check; a check that found nothing is there, too.

    A run that ended early has not shown what it was to show, so that is wrong as well.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for each in rounds:
        for check, sentences in each.wrong.items():
            found[check] += [f"round {each.number}: {sentence}" for sentence in sentences]
    if len(rounds) < options.rounds:
        within = f" in {options.minutes:g} minutes" if options.minutes else ""
        found["unplayed"].append(f"{len(rounds)} of {options.rounds} rounds were played{within}")
    return dict(found)


def failed(options: Options, rounds: Sequence[Round]) -> bool:
    """Whether anything is wrong."""
    return any(wrong(options, rounds).values())


def record(
    options: Options, rounds: Sequence[Round], missing: Sequence[str], growth: int
) -> dict[str, Any]:
    """The whole run as JSON has it."""
    return {
        "store": options.store,
        "seed": options.seed,
        "lease_limit": options.lease_limit,
        "not_shown": list(missing),
        "proxies_grew_by_bytes": growth,
        "wrong": wrong(options, rounds),
        "service": {kind: _figures(found) for kind, found in by_kind(rounds).items()},
        "rounds": [each.record() for each in rounds],
    }


def _figures(found: Sequence[Service]) -> dict[str, Any]:
    gaps = [each.gap for each in found]
    healing = [each.after_healing for each in found]
    limits = [each.limit for each in found if each.limit is not None]
    return {
        "count": len(found),
        "gap_median": round(median(gaps), 3),
        "gap_maximum": max(gaps),
        "after_healing_median": round(median(healing), 3),
        "after_healing_maximum": max(healing),
        "limit": limits[0] if limits else None,
        "judged": len(limits),
        "late": sum(each.late for each in found),
    }


def lines(
    options: Options, rounds: Sequence[Round], missing: Sequence[str], growth: int
) -> Iterator[str]:
    """The report at the end of a run."""
    yield ""
    yield f"{'fault':28} {'seen':>4} {'gap median':>10} {'maximum':>8} {'limit':>6}  after healing"
    figures = {kind: _figures(found) for kind, found in by_kind(rounds).items()}
    judged = [one for each in rounds for one in each.service if one.limit is not None]
    for name, row in sorted(figures.items(), key=lambda item: (item[1]["limit"] is None, item[0])):
        limit = "-" if row["limit"] is None else f"{row['limit']:.1f}"
        healing = (
            f"{row['after_healing_median']:.2f} / {row['after_healing_maximum']:.2f} s"
            if row["limit"] is None
            else ""
        )
        yield (
            f"{name:28} {row['count']:4} {row['gap_median']:9.2f}s {row['gap_maximum']:7.2f}s "
            f"{limit:>6}  {healing}"
        ).rstrip()
    yield ""
    if judged:
        gaps = [one.gap for one in judged]
        yield (
            f"time without service where a backup covers: median {median(gaps):.2f} s, "
            f"maximum {max(gaps):.2f} s, of {len(gaps)}; may be {judged[0].limit:.1f} s"
        )
    errors: Counter[int] = Counter()
    for each in rounds:
        errors.update(each.errors)
    shown = ", ".join(f"{count} × {code}" for code, count in sorted(errors.items())) or "none"
    yield (
        f"{len(rounds)} rounds on {options.store}, seed {options.seed}: "
        f"{sum(each.requests for each in rounds)} requests, "
        f"{sum(each.acknowledged for each in rounds)} submits acknowledged; refusals: {shown}"
    )
    repeated = sum(each.repeated for each in rounds)
    yield f"{repeated} of the submits had been carried out before, as their receipts told"
    yield f"proxies grew by {growth / (1 << 20):.1f} MB at most"
    found = wrong(options, rounds)
    yield ", ".join(f"{check} {len(found.get(check, ()))}" for check in ZEROS)
    others = {check: each for check, each in found.items() if each and check not in ZEROS}
    yield "also wrong: " + (", ".join(f"{k} {len(v)}" for k, v in others.items()) or "nothing")
    for reason in missing:
        yield f"NOT SHOWN: {reason}"
    sentences = [f"{check}: {each}" for check, every in found.items() for each in every]
    for sentence in sentences[:SHOWN]:
        yield f"  {sentence}"
    if len(sentences) > SHOWN:
        yield f"  and {len(sentences) - SHOWN} more"
