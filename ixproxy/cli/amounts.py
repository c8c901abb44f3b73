"""Amounts as persons read them: durations, bytes, rates."""

from __future__ import annotations

_UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"))


def duration(seconds: float) -> str:
    """`0.3 s`, `12 s`, `5 minutes`, `3 hours`, `2 days`: never more exact than is of use."""
    for length, unit in _UNITS:
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds:.1f} s" if 0 < seconds < 1 else f"{seconds:.0f} s"


def number_of(number: int, one: str, several: str = "") -> str:
    """`1 event`, `2 events`; with `several` for others than one, where an "s" is not enough."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def number_of_bytes(number: float) -> str:
    """`512 B`, `3.4 KB`, `45 MB`, in steps of 1024."""
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            break
        number /= 1024
    return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"


def milliseconds(seconds: float) -> str:
    """A latency in milliseconds, to three digits: `0.123`, `4.56`, `78.9`, `1230`."""
    value = seconds * 1000
    for limit, digits in ((1, 3), (10, 2), (100, 1)):
        if value < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"
