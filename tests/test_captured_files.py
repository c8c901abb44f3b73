"""A real node takes files in, is killed again and again meanwhile, and tells of each."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from ixproxy.capture.xml_parsing import parse
from ixproxy.testing.processes import RealCluster

pytestmark = pytest.mark.processes

DEPLOYMENT = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.In.views.All]
[tenants.Environment.queues.Urgent.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"

[[applications.ixn1.capture]]
name = "claims"
use = "file"
inbound-path = "{root}/inbound"
error-path = "{root}/error"
processed-path = "{root}/processed"
notification-path = "{root}/notification"
scan-interval = 0.3
default-values = {{ MediaType = "email", Queue = "In" }}
"""

SUBMITS = 400
A_LIFE = 100
PATIENCE = 4000
"""Looks, a twentieth of a second each, after which what has not happened will not."""


class Source:
    """Who puts files into a directory, and looks at what it is told."""

    def __init__(self, root: Path, reactor: Any) -> None:
        self.root = root
        self._reactor = reactor
        for name in ("inbound", "error", "processed", "notification"):
            (root / name).mkdir()

    def put(self, name: str, text: str) -> None:
        hidden = self.root / "hidden"
        hidden.write_text(text)
        hidden.rename(self.root / "inbound" / name)

    def submit(self, name: str) -> None:
        self.put(
            f"{name}.xml",
            f'<interaction operation="submit" ExternalId="{name}">'
            "<properties><Priority>7</Priority><Note>Grüße</Note></properties></interaction>",
        )

    def files(self, directory: str) -> list[Path]:
        """Those that are whole: a hidden name is for what is still written, and goes away."""
        found = sorted((self.root / directory).iterdir())
        return [path for path in found if not path.name.startswith(".")]

    def told(self) -> Counter[tuple[str, str]]:
        """What it was told, of which, and how often."""
        roots = [parse(path.read_bytes()).attributes for path in self.files("notification")]
        return Counter((each["operation"], each.get("ExternalId", "")) for each in roots)

    async def until(self, happened: Any) -> None:
        for _ in range(PATIENCE):
            if happened():
                return
            await deferLater(self._reactor, 0.05)
        raise AssertionError(f"it did not happen; left: {self.files('inbound')[:5]}")


def taken(store: Path) -> Counter[str]:
    """The interactions of a node by external id."""
    with closing(sqlite3.connect(store)) as database:
        return Counter(name for (name,) in database.execute("SELECT external_id FROM interactions"))


@pytest_twisted.ensureDeferred
async def test_files_are_taken_once_and_answered_whenever_the_node_dies(
    real_reactor: Any, tmp_path: Path
) -> None:
    source = Source(tmp_path, real_reactor)
    text = DEPLOYMENT.format(root=tmp_path)
    names = [f"d{number:03d}" for number in range(SUBMITS)]
    async with RealCluster(real_reactor, tmp_path / "cluster", text) as cluster:
        for start in range(0, SUBMITS, A_LIFE):
            for name in names[start : start + A_LIFE]:
                source.submit(name)
            source.put(f"bad{start}.xml", "<interaction>")
            half = start + A_LIFE // 2
            await source.until(lambda half=half: len(source.files("processed")) >= half)
            await cluster.kill("ixn1")
            await cluster.restart("ixn1")
        await source.until(lambda: not source.files("inbound"))
        await source.until(lambda: len(source.told()) >= SUBMITS + 1)
        assert taken(cluster.store("ixn1")) == Counter(names)
        assert [path.stem for path in source.files("processed")] == names
        # Replies are told at least once: the same number twice where the node died in between.
        bad = ("error", "")
        assert set(source.told()) == {bad, *(("submitted", name) for name in names)}
        in_error = {path.name for path in source.files("error")}
        assert in_error == {
            f"bad{start}.xml{end}"
            for start in range(0, SUBMITS, A_LIFE)
            for end in ("", ".reason.txt")
        }


@pytest_twisted.ensureDeferred
async def test_every_operation_is_done_and_answered_by_a_file(
    real_reactor: Any, tmp_path: Path
) -> None:
    source = Source(tmp_path, real_reactor)
    async with RealCluster(
        real_reactor, tmp_path / "cluster", DEPLOYMENT.format(root=tmp_path)
    ) as cluster:
        source.submit("a")
        await source.until(lambda: source.told()["submitted", "a"])
        for name, operation, inside in (
            ("1", "update", "<properties><Queue>Urgent</Queue></properties>"),
            ("2", "hold", '<reason systemname="waits" description="for a call"/>'),
            ("3", "resume", ""),
            ("4", "getinfo", ""),
            ("5", "stop", ""),
            ("6", "stop", ""),
        ):
            source.put(
                name, f'<interaction operation="{operation}" ExternalId="a">{inside}</interaction>'
            )
            await source.until(lambda name=name: not (source.root / "inbound" / name).exists())
        source.put("7", '<interaction operation="ping"/>')
        await source.until(lambda: source.told()["pong", ""])
        assert source.told() == Counter(
            {
                ("submitted", "a"): 1,
                ("changed", "a"): 1,
                ("held", "a"): 1,
                ("resumed", "a"): 1,
                ("info", "a"): 1,
                ("stopped", "a"): 1,
                ("error", "a"): 1,
                ("pong", ""): 1,
            }
        )
        info = next(
            root
            for root in (parse(path.read_bytes()) for path in source.files("notification"))
            if root.attributes["operation"] == "info"
        )
        properties = {each.name: each.text for each in info.children[0]}
        assert properties["Queue"] == "Urgent"
        assert properties["SubmittedBy"] == "claims"
        assert properties["Note"] == "Grüße"
        # Nothing came of the second stop.
        assert [path.name for path in source.files("error")] == ["6", "6.reason.txt"]
        assert "43" in (source.root / "error" / "6.reason.txt").read_text()
        assert taken(cluster.store("ixn1")) == Counter()
