"""Round ticks for the axes of charts."""

from __future__ import annotations

import math

from ixproxy.eventlog.reporting.wording import instant

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

SPANS = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE,
    10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 5 * _DAY, 10 * _DAY, 20 * _DAY, 50 * _DAY, 100 * _DAY,
)  # fmt: skip
"""Round durations, in seconds."""

PAUSES = (
    _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR,
    12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 56 * _DAY, 182 * _DAY, 364 * _DAY,
)  # fmt: skip
"""What may lie between two ticks of a time axis, in seconds."""


def ticks_of_counts(most: float, wanted: int = 4) -> list[float]:
    """From 0 up to a round number that is not below `most`: whole numbers, evenly spaced."""
    rough = max(most, 1) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999999)
    return _up_to(most, max(1.0, step))


def ticks_of_spans(most: float, wanted: int = 4) -> list[float]:
    """The same for durations in seconds."""
    rough = max(most, 0.01) / wanted
    step = next((each for each in SPANS if each >= rough), 0.0)
    if not step:
        step = ticks_of_counts(most / _DAY, wanted)[1] * _DAY
    return _up_to(most, step)


def _up_to(most: float, step: float) -> list[float]:
    last = max(1, math.ceil(most / step - 1e-9))
    return [place * step for place in range(last + 1)]


def ticks_of_time(begin: float, end: float, most: int = 8) -> list[tuple[float, str]]:
    """
    Round times from `begin` on and before `end`, with their texts: a day, or a time of day.

    :param begin: and `end`: seconds since the epoch, UTC.
    """
    span = max(end - begin, 1.0)
    pause = next((each for each in PAUSES if span / each <= most), 0.0)
    if not pause:
        pause = PAUSES[-1] * math.ceil(span / PAUSES[-1] / most)
    found = []
    time = math.ceil(begin / pause) * pause
    while time < end:
        found.append((time, _label(time, span)))
        time += pause
    return found


def _label(time: float, span: float) -> str:
    at = instant(time)
    if span > 700 * _DAY:
        return f"{at:%Y-%m}"
    if time % _DAY:
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}"
