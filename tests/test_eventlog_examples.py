"""The deployment of examples/eventlog keeps what happens, and its commands tell it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ixproxy import messages as m
from ixproxy.client import connect
from ixproxy.config import load
from ixproxy.testing.processes import RealCluster
from tests.eventlog.logs import rows_of

ROOT = Path(__file__).parent.parent
FILE = ROOT / "examples" / "eventlog" / "cluster.toml"
TEXT = FILE.read_text()
IXCTL = [sys.executable, "-c", "import sys; from ixproxy.cli.main import main; sys.exit(main())"]
MAILS = 9
LONGEST = 60.0
"""Seconds in which what is awaited has happened, or never does."""


def commands(begin: str = "ixctl eventlog") -> list[list[str]]:
    """The commands of the head of the file that begin so, without their program."""
    head = re.sub(r"\\\n# *", "", TEXT[: TEXT.index("[tenants.")])
    return [shlex.split(line)[1:] for line in re.findall(rf"^#  +({begin} .*)$", head, re.M)]


def logged(folder: Path) -> int:
    """How many rows the three logs have together."""
    found = 0
    for node in ("ixn1", "ixn2", "ixn3"):
        if (folder / f"{node}-log.db").is_file():
            address = f"sqlite:{folder / f'{node}-log.db'}"
            found += rows_of(address, "SELECT count(*) FROM rpt_interaction")[0][0]
    return found


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_what_happens_is_kept_merged_and_reported(tmp_path: Path, real_reactor: Any) -> None:
    async with RealCluster(real_reactor, tmp_path, TEXT) as cluster:
        mail = await connect(
            real_reactor, cluster.endpoint("proxy1"), name="mail", client_type="MediaServer"
        )
        for at in range(MAILS):
            data = {"Customer": f"c{at}", "Amount": at + 0.5}
            request = m.RequestSubmit(
                tenant_id=1, media_type="email", queue="Inbound", user_data=data
            )
            await mail.request(request)
        await mail.close()
        began = real_reactor.seconds()
        while logged(tmp_path) < MAILS:
            assert real_reactor.seconds() - began < LONGEST, logged(tmp_path)
            await deferLater(real_reactor, 0.1)
    merge, report = commands()
    for command in ([*merge, "--final"], report):
        done = await deferToThread(
            subprocess.run,
            [*IXCTL, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    kept = rows_of(
        f"sqlite:{tmp_path / 'merged.db'}",
        "SELECT c_customer, c_amount FROM rpt_interaction ORDER BY merged_number",
    )
    assert sorted(kept) == [(f"c{at}", at + 0.5) for at in range(MAILS)]
    assert f"{MAILS} events of 3 nodes" in (tmp_path / "report.html").read_text()


def test_every_node_of_the_deployment_has_a_log_and_the_commands_name_them() -> None:
    deployment = load(TEXT)
    nodes = ("ixn1", "ixn2", "ixn3")
    logs = [log.address for node in nodes for log in deployment.node(node).event_logs]
    merge, report = commands()
    assert [each for each in merge if each.endswith("-log.db")] == logs
    assert merge[-1] in report


def test_the_commands_run_where_the_logs_are() -> None:
    ((folder,),) = commands("cd")
    here = ROOT / folder
    begun = [*commands("ixctl check-config"), *commands("twistd")]
    assert begun
    names = set()
    for command in begun:
        (file,) = [each for each in command if each.endswith(".toml")]
        assert here / file == FILE
        if "--application" in command:
            names.add(command[command.index("--application") + 1])
    deployment = load(FILE)
    assert names == set(deployment.applications)
    logs = {log.address for node in names - {"proxy1"} for log in deployment.node(node).event_logs}
    merge, _ = commands()
    read = [each.removeprefix("sqlite:") for each in merge if each.endswith("-log.db")]
    assert {f"sqlite:{here / each}" for each in read} == logs
