"""What the user of a client may set, with the defaults that suit most."""

from __future__ import annotations

from dataclasses import dataclass, field

from ixproxy.client.backoff import Backoff
from ixproxy.wire.prefix import DEFAULT_MAX_FRAME


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Limits and times of one client; times in seconds.

    :ivar timeout: for a request that says no other.
    :ivar settling_timeout: the same for those that wait for another agent, or for an
        external server: more than the nodes' `delivering-timeout`, and their
        `third-party-server-timeout`.
    :ivar max_in_flight: requests that await their answer; one more is refused
        on the spot as busy, with nothing done.
    :ivar max_frame: the longest frame it takes, in bytes after the length.
    :ivar max_answer: bytes of one answer that comes in parts.
    :ivar max_output: bytes that may wait for a server that does not read.
    :ivar attempt_timeout: for connecting to one endpoint, and again for
        registering there.
    :ivar rounds: how often all endpoints are tried before `connect` fails.
    :ivar close_timeout: how long `close` waits for the goodbye's answer.
    :ivar keep_alive_interval: how often a silent connection is pinged.
    :ivar keep_alive_limit: how long it may be silent before it is given up.
    """

    timeout: float = 30.0
    settling_timeout: float = 60.0
    max_in_flight: int = 1_000
    max_frame: int = DEFAULT_MAX_FRAME
    max_answer: int = 64 << 20
    max_output: int = 8 << 20
    attempt_timeout: float = 10.0
    rounds: int = 1
    close_timeout: float = 5.0
    keep_alive_interval: float = 10.0
    keep_alive_limit: float = 30.0
    backoff: Backoff = field(default_factory=Backoff)
