"""What a node's server is told by the configuration, and may be told anew at any time."""

from __future__ import annotations

from dataclasses import dataclass

FRAME_MARGIN = 64 << 10
"""What a frame must have room for beside the largest user data, in bytes."""


@dataclass(frozen=True, slots=True)
class NodeLimits:
    """
    What connections and clients may cost; names and defaults are those of `[settings]`.

    :ivar registration_timeout: seconds until a new peer must have registered.
    :ivar max_output_timeout: seconds for which a peer may leave more output
        unread than `max_client_output` (bytes; a proxy, which reads for many,
        may leave `PROXY_FACTOR` times as much).
    :ivar max_held_pulls: pulls that wait for work; one client has a part of them.
    :ivar client_window: requests of one client that wait to be run before it is
        left unread.
    :ivar third_party_server_timeout: seconds that a call to an external server may take.
    :ivar third_party_server_window_size: calls that one of them has to answer at a time.
    :ivar third_party_server_queue_size: calls that wait for one name or type of them.
    :ivar max_current_request_queue_wait: seconds a request without a time to
        live may wait.
    """

    registration_timeout: float = 30
    max_frame: int = 1 << 20
    max_connections: int = 10_000
    max_unregistered: int = 1_000
    client_window: int = 1_000
    max_held_pulls: int = 50_000
    max_client_output: int = 4 << 20
    max_output_timeout: float = 60
    max_pending_per_client: int = 10_000
    max_current_clients: int = 50_000
    max_current_request_queue_size: int = 20_000
    max_current_request_queue_wait: float = 60
    max_database_request_queue_size: int = 10_000
    database_request_timeout: float = 30
    number_of_database_connections: int = 2
    max_userdata_size: int = 512 << 10
    third_party_server_timeout: float = 30
    third_party_server_window_size: int = 100
    third_party_server_queue_size: int = 1000

    @property
    def min_peer_frame(self) -> int:
        """The shortest max-frame that a peer may announce."""
        return self.max_userdata_size + FRAME_MARGIN


PROXY_FACTOR = 8
