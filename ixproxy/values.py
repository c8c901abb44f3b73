"""Small frozen values, and pure functions on them, that every floor shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple, NewType

NodeName = NewType("NodeName", str)
"""A node's name: the name of its primary in the deployment file."""

SessionToken = NewType("SessionToken", bytes)
"""A client session's random 128-bit name; a secret, never logged."""


Dialect = Literal["sqlite", "postgresql"]
"""In which SQL the expressions of a store's selections are written."""


class ClientType(StrEnum):
    """
    What a registered client is, as it says at registration.

    A node registers as `InteractionServer` at the external servers that it calls.
    """

    AGENT_APPLICATION = "AgentApplication"
    MEDIA_SERVER = "MediaServer"
    ROUTING_ENGINE = "RoutingEngine"
    REPORTING_ENGINE = "ReportingEngine"
    EXTERNAL_SERVER = "ThirdPartyServer"
    INTERACTION_SERVER = "InteractionServer"
    PROXY = "Proxy"


class SnapshotState(IntEnum):
    """`state` in snapshots."""

    TAKING = 0
    WHOLE = 1
    ENDING = 2


class InteractionState(IntEnum):
    """The public values of an interaction's `InteractionState`."""

    QUEUED = 0
    CACHED = 1
    ROUTING = 2
    HANDLING = 3


class PartyType(IntEnum):
    """
    What kind of party takes part in an interaction; 2 is the field's.

    `STRATEGY` has pulled it, and to a `ROUTER` it was pushed.
    """

    STRATEGY = 1
    AGENT = 2
    ROUTER = 3


class Stamp(NamedTuple):
    """
    The name of one agent session: greater is newer.

    `number` exceeds any that the stamping node had seen for the agent; `dbid`
    tells equal numbers of two nodes apart.
    """

    number: int
    dbid: int


class Holder(NamedTuple):
    """
    Who has the lease of a node's database.

    :ivar name: for a person: which process on which host.
    :ivar beat: another one each time that the holder has shown that it lives.
    """

    name: str
    beat: int


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_DBID = 36**6 - 1
MAX_EPOCH = 36**4 - 1
MAX_COUNTER = 36**6 - 1
INTERACTION_ID_LENGTH = 16


def base36(number: int, width: int) -> str:
    """`number` in upper-case base 36, padded with zeros to `width` digits."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(DIGITS[digit])
    if number:
        raise ValueError(f"number does not fit {width} base-36 digits")
    return "".join(reversed(digits))


def interaction_id(dbid: int, epoch: int, counter: int) -> str:
    """
    A generated interaction id: dbid (6), lease epoch (4), counter (6).

    :raise ValueError: a part does not fit its digits.
    """
    return _id_prefix(dbid, epoch) + base36(counter, 6)


@lru_cache(maxsize=64)
def _id_prefix(dbid: int, epoch: int) -> str:
    """A node makes many ids, all with the same beginning."""
    return base36(dbid, 6) + base36(epoch, 4)


def id_origin(identifier: str) -> int | None:
    """
    The dbid that a generated id names, or None.

    A hint only: client-supplied ids may look like anything.
    """
    if len(identifier) != INTERACTION_ID_LENGTH:
        return None
    dbid = 0
    for character in identifier[:6]:
        digit = DIGITS.find(character)
        if digit < 0:
            return None
        dbid = dbid * 36 + digit
    return dbid or None


def rendezvous(key: str, names: Iterable[NodeName]) -> list[NodeName]:
    """`names` in the order of their weight for `key`; alike in every process."""

    def weight(name: NodeName) -> tuple[bytes, str]:
        digest = blake2b(name.encode(), key=blake2b(key.encode()).digest(), digest_size=8)
        return digest.digest(), name

    return sorted(names, key=weight, reverse=True)


def through(client: str, path: Iterable[str]) -> str:
    """
    A client's name for the log, with the proxies between it and the server.

    :param path: their names, nearest to the client first; that of a proxy
        itself begins with its own, which is left out.
    """
    proxies = ", ".join(name for name in path if name != client)
    return f"{client} through {proxies}" if proxies else client


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """
    Certificate (with its chain), private key and trusted authorities, as paths of PEM files.

    :ivar certificate: "": none is shown, which only clients may do.
    :ivar trust: "": the authorities that the system trusts.
    """

    certificate: str = ""
    private_key: str = ""
    trust: str = ""
    require_client_certificate: bool = False


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What a proxy or node must know of one tenant of the deployment."""

    id: int
    name: str
    media_types: Mapping[str, bool]
    """Media type to whether it is enabled."""


class Server(NamedTuple):
    """One process that listens: its application in the deployment file, and where it is reached."""

    name: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """
    What the deployment file says of one upstream, as a proxy needs it.

    An upstream is a node; or, behind a proxy, the one proxy, pair or cluster of
    proxies through which all nodes are reached, with `dbid` 0.
    """

    name: NodeName
    dbid: int
    tenants: frozenset[int]
    media_types: frozenset[str] | None = None
    """Media types that new work may have here; None: any of its tenants'."""
    enable_submit: bool = True
    pairs: tuple[tuple[Server, ...], ...] = ()
    """Primary and backup of a node, or of each proxy: one server is linked at a time."""

    @property
    def is_proxy(self) -> bool:
        """Whether it is proxies, with the nodes behind them."""
        return not self.dbid

    @property
    def servers(self) -> tuple[Server, ...]:
        """All its servers, each primary before its backup."""
        return tuple(server for pair in self.pairs for server in pair)


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """A node's last `EventNodeLoad`: how much waits where."""

    queues: Mapping[str, int] = field(default_factory=dict)
    """Queue name to the number of its queued interactions."""
    views: Mapping[str, int] = field(default_factory=dict)
    """View name (`queue/view`) to the number of interactions that it shows."""
    media_types: frozenset[str] = frozenset()
    """Media types of which the node holds at least one interaction."""

    @property
    def backlog(self) -> int:
        """All queued interactions of the node."""
        return sum(self.queues.values())


@dataclass(frozen=True, slots=True)
class NodeView:
    """What a strategy sees of one linked node."""

    name: NodeName
    dbid: int
    media_types: frozenset[str] | None = None
    load: NodeLoad = NodeLoad()


@dataclass(frozen=True, slots=True)
class Draft:
    """A new interaction on its way to a node: its routing attributes."""

    tenant_id: int
    media_type: str
    queue: str = ""
    interaction_id: str = ""
    submitted_by: str = ""
    receipt: bool = False


@dataclass(frozen=True, slots=True)
class PullAttributes:
    """A pull by view, as a pull strategy sees it."""

    tenant_id: int
    view: str
    limit: int
    for_strategy: bool
    """It came with `pull-for-strategy`: a node may hold it while empty."""
    budget: float
    """Seconds that are left for all nodes together."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One step of a pull strategy's plan: whom to ask, holding how long."""

    node: NodeName
    hold: float = 0.0
    """Seconds that the node may sit on an empty pull; 0: answer at once."""
