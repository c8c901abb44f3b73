"""
What only the world knows of a server: its process, its file, its certificate.

A status that a mind began is completed here, whichever server it is of.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace
from twisted.internet.interfaces import IReactorTime

import ixproxy
from ixproxy.errors import ConfigError, ConfigProblem
from ixproxy.messages import ConfigurationFacts, EventServerStatus, ProcessFacts
from ixproxy.messages.message import MAX_TEXT

SELF = Path("/proc/self")

FRESH = 1.0
"""Seconds for which what the operating system said is not asked again: it may cost a while."""


def process_facts(proc: Path = SELF) -> ProcessFacts | None:
    """What the operating system says of this process; None: it cannot be asked."""
    try:
        pages = int((proc / "statm").read_text().split()[1])
        open_files = len(os.listdir(proc / "fd"))
    except (OSError, ValueError, IndexError):
        return None
    used = resource.getrusage(resource.RUSAGE_SELF)
    return ProcessFacts(
        pid=os.getpid(),
        memory=pages * os.sysconf("SC_PAGE_SIZE"),
        open_files=open_files,
        cpu_seconds=round(used.ru_utime + used.ru_stime, 3),
    )


def place_of(problem: ConfigProblem) -> str:
    """Where a mistake in the file is, and not a word of what stands there."""
    return str(problem._replace(text="")).rstrip(": ")


class Surroundings:
    """
    One server's.

    :param now: the time of day, in seconds since the epoch, UTC.
    :param process: asks the operating system.
    :ivar certificate_expires: says when the server's certificate ends, in
        seconds since the epoch; None: it has none. Whoever gives the server a
        certificate sets it.
    """

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float],
        process: Callable[[], ProcessFacts | None] = process_facts,
    ) -> None:
        self._clock = clock
        self._now = now
        self._ask = process
        self._began = clock.seconds()
        self._process: ProcessFacts | None = None
        self._asked_at = float("-inf")
        self.configuration = ConfigurationFacts(applied_at=now())
        self.certificate_expires: Callable[[], float | None] = lambda: None

    def configuration_applied(self) -> None:
        """The deployment file was read again, and is followed now."""
        self.configuration = ConfigurationFacts(applied_at=self._now())

    def configuration_refused(self, problem: BaseException) -> None:
        """
        It was read again, and changed nothing.

        Every client may ask for the reason, so it has no values of the file,
        which may be secrets: they are in the log.
        """
        reason = "the store could not follow"
        if isinstance(problem, ConfigError):
            reason = "; ".join(map(place_of, problem.problems))
        self.configuration = replace(
            self.configuration, problem=reason[:MAX_TEXT], failed_at=self._now()
        )

    def complete(self, status: EventServerStatus) -> EventServerStatus:
        """Add what is known here."""
        seconds = self._clock.seconds()
        if seconds - self._asked_at >= FRESH:
            self._asked_at = seconds
            self._process = self._ask()
        return replace(
            status,
            program_version=ixproxy.__version__,
            time=self._now(),
            uptime=max(0.0, seconds - self._began),
            process=self._process,
            configuration=self.configuration,
            certificate_expires=self.certificate_expires(),
        )
