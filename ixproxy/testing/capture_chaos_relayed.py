"""What sources of a capture chaos run have in common that are reached through a relay."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.relay import Relay


def link_faults(
    source: Source, relay: Callable[[], Relay]
) -> Mapping[str, tuple[Fault, float, float]]:
    """The connections through a relay are lost, or hang."""

    async def cut(seconds: float) -> None:
        relay().cut()

    async def hang(seconds: float) -> None:
        relay().hang()
        try:
            await source.pause(seconds)
        finally:
            relay().go_on()

    return {"cut connections": (cut, 0.0, 0.0), "connections hang": (hang, 0.5, 4.0)}


def server_faults(
    source: Source,
    kill: Callable[[], object],
    start: Callable[[], object],
    pause: Callable[[], object],
    resume: Callable[[], object],
) -> Mapping[str, tuple[Fault, float, float]]:
    """A server is killed and started again, or hangs; each call blocks."""

    async def die(seconds: float) -> None:
        await source.apart(kill)
        await source.pause(seconds)
        await source.apart(start)

    async def freeze(seconds: float) -> None:
        await source.apart(pause)
        try:
            await source.pause(seconds)
        finally:
            await source.apart(resume)

    return {"kill broker": (die, 0.0, 2.0), "freeze broker": (freeze, 0.5, 4.0)}
