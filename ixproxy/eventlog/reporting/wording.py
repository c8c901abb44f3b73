"""Numbers, times and names as a page shows them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from unicodedata import east_asian_width

NAME_LENGTH = 56
"""Signs of a name in a table; a longer one loses its middle."""

WHOLE_NAME_LENGTH = 2000
"""Signs of the whole name, which shows where one points at it."""

NOBODY = "(none)"

# Joiners are letters of some languages, though they show nothing by themselves.
_KEPT = {"\u200c", "\u200d"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FURTHEST = 60.0 * 60 * 24 * 365 * 7000
_FURTHEST_BACK = -60.0 * 60 * 24 * 365 * 960


def counted(amount: float) -> str:
    """A whole number, in groups of three."""
    return f"{amount:,.0f}"


def short_count(amount: float) -> str:
    """A number for the tick of an axis, such as 500, 1.5 k or 20 M."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(amount) >= limit:
            unit = {"G": 1e9, "M": 1e6, "k": 1e3}[sign]
            return f"{amount / unit:g} {sign}"
    return f"{amount:,g}"


def share(part: float, whole: float) -> str:
    """A part in per cent; a dash for a part of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def lasting(seconds: float) -> str:
    """A duration, in at most two units: 0.42 s, 42 s, 2 min 05 s, 1 h 05 min, 3 d 04 h."""
    if seconds < 0:
        return f"−{lasting(-seconds)}"
    if seconds < 0.995:
        return f"{seconds:.2f} s" if seconds else "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = math.floor(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = math.floor(seconds / 60 + 0.5)
    if minutes < 1440:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = math.floor(seconds / 3600 + 0.5)
    return f"{hours // 24:,} d {hours % 24:02} h"


def round_lasting(seconds: float) -> str:
    """A round duration, for the tick of an axis: what is nothing of it is left out."""
    parts = []
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            parts.append(f"{math.floor(seconds / unit):,} {name}")
            seconds %= unit
    if seconds > 1e-9:
        parts.append(f"{seconds:g} s")
    return " ".join(parts) or "0"


def for_machines(seconds: float) -> str:
    """A duration as HTML has it, to the microsecond."""
    text = f"{max(0.0, seconds):.6f}".rstrip("0").rstrip(".")
    return f"PT{text}S"


def instant(time: float) -> datetime:
    """Seconds since the epoch as a time; the furthest that there is, if that is further away."""
    return _EPOCH + timedelta(seconds=min(max(time, _FURTHEST_BACK), _FURTHEST))


def at_second(time: float) -> str:
    """A time, to the second."""
    return f"{instant(time):%Y-%m-%d %H:%M:%S}"


def visible(name: str) -> str:
    """A name without signs that do something instead of being seen."""
    return "".join(
        sign if sign.isprintable() or sign in _KEPT else f"\\u{ord(sign):04x}" for sign in name
    )


def shortened(name: str, length: int = NAME_LENGTH) -> str:
    """
    A visible name with its beginning and its end, of at most so many signs.

    Signs as wide as those of Chinese count twice.
    """
    if len(name) <= length // 2 or _width(name[: length + 1]) <= length:
        return name
    behind = length // 4
    before = length - behind - 1
    while _width(name[:before]) > length - behind - 1:
        before -= 1
    while _width(name[-behind:]) > length // 4:
        behind -= 1
    return f"{name[:before]}…{name[-behind:]}"


def _width(name: str) -> int:
    return len(name) + sum(east_asian_width(sign) in "WF" for sign in name)


def whole_name(name: str) -> str:
    """A name as it is shown where one points at a shortened one."""
    if len(name) <= WHOLE_NAME_LENGTH:
        return name
    return f"{name[:WHOLE_NAME_LENGTH]}… ({counted(len(name))} signs)"


def edge(seconds: float) -> str:
    """A round duration in as little room as there is: 10s, 5m, 1h, 2d."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= unit:
            return f"{seconds / unit:g}{name}"
    return f"{seconds:g}s"
