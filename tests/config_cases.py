"""
What a deployment file may not say, and what it had better not, each by one small change.

A case puts lines into tables of a good file, and says what is reported then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

GOOD = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
chat = {}
fax = { enabled = false }
[tenants.Environment.custom-properties]
product = { type = "string" }
[tenants.Environment.queues.Inbound.views.All]
order = "priority DESC, received_at"
[tenants.Environment.workbins.Drafts]
owner = "agent"

[tenants.Branch]
id = 2
[tenants.Branch.media-types]
email = {}

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment", "Branch"]
listen = "tcp:7101:interface=10.0.0.1"
endpoint = "tcp:10.0.0.1:7101"
backup = "ixn1-b"
store = "sqlite:/srv/ixn1.db"
[applications.ixn1.options.settings]
allow-multiple-agent-connections = false

[applications.ixn1-b]
listen = "tcp:7111:interface=10.0.0.1"
endpoint = "tcp:10.0.0.1:7111"

[applications.ixn2]
type = "Interaction Server"
dbid = 102
tenants = ["Environment"]
listen = "tcp:7102:interface=10.0.0.2"
endpoint = "tcp:10.0.0.2:7102"
backup = "ixn2-b"
store = "sqlite:/srv/ixn2.db"
[applications.ixn2.options.settings]
allow-multiple-agent-connections = false
[applications.ixn2.options.cluster-settings]
media-types = "email, chat"

[applications.ixn2-b]
listen = "tcp:7112:interface=10.0.0.2"
endpoint = "tcp:10.0.0.2:7112"

[applications.nodes]
type = "Application Cluster"
connections = ["ixn1", "ixn2"]
[applications.nodes.options.cluster-settings]
cluster-type = "Interaction Server"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
dbid = 201
tenants = ["Environment", "Branch"]
listen = "tcp:7001:interface=10.0.0.3"
endpoint = "tcp:10.0.0.3:7001"
connections = ["nodes"]

[applications.proxy2]
type = "Interaction Server"
role = "proxy"
dbid = 202
tenants = ["Environment", "Branch"]
listen = "tcp:7002:interface=10.0.0.3"
endpoint = "tcp:10.0.0.3:7002"
connections = ["nodes"]

[applications.desktops]
type = "Application Cluster"
connections = ["proxy1", "proxy2"]
[applications.desktops.options.cluster-settings]
cluster-type = "Interaction Server Proxy"

[applications.media]
type = "Interaction Server"
role = "proxy"
dbid = 203
tenants = ["Environment", "Branch"]
listen = "tcp:7003:interface=10.0.0.3"
endpoint = "tcp:10.0.0.3:7003"
backup = "media-b"
connections = ["nodes"]

[applications.media-b]
listen = "tcp:7013:interface=10.0.0.3"
endpoint = "tcp:10.0.0.3:7013"

[applications.switch]
type = "T-Server"
"""
"""A file without mistakes that follows all advice."""


class Verdict(Enum):
    """What becomes of a file."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Case:
    """
    One thing that is wrong with a file, or doubtful.

    :ivar rule: what holds, in words.
    :ivar source: where it comes from: a section of the design, or a heading of
        the guide.
    :ivar puts: table to lines that stand in it; a line takes the place of one
        with the same key, and `-key` takes that away. A table in double
        brackets is one more of an array.
    :ivar says: what is reported, with its line.
    :ivar also: what else follows from the same mistake.
    """

    rule: str
    source: str
    puts: tuple[tuple[str, str], ...]
    says: str
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole file."""
        text = GOOD
        for table, lines in self.puts:
            text = put(text, table, lines)
        return text


def case(rule: str, source: str, puts: dict[str, str], says: str, *also: str) -> Case:
    """One case, as a line of a table."""
    return Case(rule, source, tuple(puts.items()), says, also)


def put(text: str, table: str, lines: str) -> str:
    """`text` with lines in one of its tables."""
    header = f"[{table}]"
    if table.startswith("[") or f"{header}\n" not in text:
        return f"{text}{header}\n{lines}\n"
    before, _, after = text.partition(f"{header}\n")
    end = after.find("\n[")
    inside, rest = (after, "") if end < 0 else (after[: end + 1], after[end + 1 :])
    there = inside.splitlines()
    for line in lines.splitlines():
        key = line.removeprefix("-").partition("=")[0].strip()
        old = [number for number, each in enumerate(there) if each.partition("=")[0].strip() == key]
        new = [] if line.startswith("-") else [line]
        at = old[0] if old else 0
        there[at : at + len(old)] = new
    return "\n".join([f"{before}{header}", *there, rest])
