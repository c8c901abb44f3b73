"""What a capture point has done in threads of the reactor's pool: one job of a kind at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThreadPool

T = TypeVar("T")


class Jobs:
    """The jobs of one term."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._running: dict[str, Deferred[Any]] = {}

    def is_running(self, kind: str) -> bool:
        """Whether a job of this kind is not done yet."""
        return kind in self._running

    def do(self, kind: str, job: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """
        Have something done that may block.

        :return: fires with what `job` returns, or fails with what it raises.
        """
        assert kind not in self._running, kind
        done = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), job, *arguments)
        self._running[kind] = done

        def over(result: Any) -> Any:
            del self._running[kind]
            return result

        return done.addBoth(over)

    def settled(self) -> Deferred[Any]:
        """Fires once what is running now is done, however it went."""
        return gatherResults([_settled(job) for job in self._running.values()])


def _settled(job: Deferred[Any]) -> Deferred[None]:
    settled: Deferred[None] = Deferred()

    def over(result: Any) -> Any:
        settled.callback(None)
        return result

    job.addBoth(over)
    return settled
