"""
A plug-in of somebody else, from its source to a cluster that uses it.

Everything happens in a virtual environment of its own: wheels of ixproxy and
of `examples/acme-strategy` are built and installed there by pip, and nothing
of this checkout or of its environment is on the path of what runs in it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest
import pytest_twisted

from ixproxy.client import connect
from ixproxy.messages import RequestSubmit
from ixproxy.testing.processes import on_free_ports, wait_for_server
from ixproxy.values import NodeName, id_origin, rendezvous

ROOT = Path(__file__).parent.parent
ACME = ROOT / "examples" / "acme-strategy"
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "ixproxy", "twisted")
NO_INDEX = ("No matching distribution", "Could not find a version", "Temporary failure in name")

PIP_SECONDS, STEP_SECONDS, START_SECONDS = 300, 120, 60

NODE = """
[applications.ixn{0}]
type = "Interaction Server"
dbid = 10{0}
tenants = ["Environment"]
listen = "tcp:710{0}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:710{0}"
store = "sqlite:ixn{0}.db"
"""
DEPLOYMENT = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Sales.views.All]
[tenants.Environment.queues.Service.views.All]
[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7001"
connections = ["ixn1", "ixn2", "ixn3"]
[applications.proxy1.routing]
use = "acme-sticky"
by = "queue"
"""


class Environment:
    """A fresh virtual environment, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self._venv = folder / "venv"
        self.run([sys.executable, "-m", "venv", str(self._venv)])

    @property
    def variables(self) -> dict[str, str]:
        """The surroundings without anything of ours: no PYTHONPATH, no other environment."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTHON") and name not in ("VIRTUAL_ENV", "PYTEST_ADDOPTS")
        }
        return {**inherited, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def program(self, name: str) -> str:
        return str(self._venv / "bin" / name)

    def run(self, command: list[str], seconds: int = STEP_SECONDS) -> str:
        """What a command printed; it must succeed."""
        done = subprocess.run(
            command,
            env=self.variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        said = done.stdout + done.stderr
        if done.returncode and any(text in said for text in NO_INDEX):
            pytest.skip("the package index cannot be reached")
        assert done.returncode == 0, f"{command}:\n{said}"
        return done.stdout

    def pip(self, *arguments: str) -> None:
        self.run([self.program("python"), "-m", "pip", *arguments, "-q"], PIP_SECONDS)

    def build(self, name: str, sources: list[Path]) -> None:
        """Build a wheel from a copy, for building writes into its folder."""
        copy = self.folder / name
        copy.mkdir()
        unwanted = shutil.ignore_patterns("__pycache__", "dropin.cache")
        for source in sources:
            if source.is_dir():
                shutil.copytree(source, copy / source.name, ignore=unwanted)
            else:
                shutil.copy(source, copy)
        self.pip("wheel", "--no-deps", "--wheel-dir", str(self.wheels), str(copy))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Both wheels, built and installed; it is much, and is removed at the end."""
    made = Environment(tmp_path_factory.mktemp("third-party"))
    made.build("ixproxy", [ROOT / name for name in SOURCES])
    made.build("acme", sorted(ACME.iterdir()))
    made.pip("install", *map(str, sorted(made.wheels.glob("*.whl"))), "pytest")
    yield made
    shutil.rmtree(made.folder)


@pytest.mark.processes
def test_it_is_installed_beside_ixproxy_and_hides_nothing(environment: Environment) -> None:
    listed = environment.run([environment.program("ixctl"), "plugins", "--json"])
    found = {
        (each["kind"], each["name"]): each["summary"]
        for each in map(json.loads, listed.splitlines())
    }
    assert found["routing", "acme-sticky"].startswith("Work of one submitter")
    assert {("routing", "round-robin"), ("merge", "union"), ("store", "sqlite")} <= found.keys()
    asked = "import ixproxy, acme_ixproxy; print(ixproxy.__file__, acme_ixproxy.__file__)"
    where = environment.run([environment.program("python"), "-c", asked]).split()
    assert all(each.startswith(str(environment.folder / "venv")) for each in where)


@pytest.mark.processes
def test_its_own_tests_pass_there_the_contract_included(environment: Environment) -> None:
    tests = str(environment.folder / "acme" / "tests")
    said = environment.run([environment.program("python"), "-m", "pytest", "-q", "-rA", tests])
    assert "TestSticky::" in said
    assert " passed" in said


@contextmanager
def running(
    environment: Environment, folder: Path, commands: dict[str, list[str]]
) -> Iterator[Any]:
    """Processes of the fresh environment, none of which is left behind."""
    there: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                there[name] = subprocess.Popen(
                    command, env=environment.variables, cwd=folder, stdout=log, stderr=log
                )
        yield there
    finally:
        for process in there.values():
            process.terminate()
        for process in there.values():
            try:
                process.wait(STEP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@asynccontextmanager
async def client_of(reactor: Any, endpoint: str) -> AsyncIterator[Any]:
    client = await connect(reactor, endpoint, name="mail-1", client_type="MediaServer")
    try:
        yield client
    finally:
        await client.close()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_cluster_routes_by_it(
    environment: Environment, tmp_path: Path, real_reactor: Any
) -> None:
    file = tmp_path / "cluster.toml"
    text = DEPLOYMENT + "".join(NODE.format(number) for number in (1, 2, 3))
    file.write_text(on_free_ports(text, SystemRandom()))
    said = environment.run([environment.program("ixctl"), "check-config", str(file)])
    assert "no errors" in said
    spoilt = tmp_path / "spoilt.toml"
    spoilt.write_text(file.read_text().replace('by = "queue"', 'by = "weather"'))
    refused = subprocess.run(
        [environment.program("ixctl"), "check-config", str(spoilt)],
        env=environment.variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "[applications.proxy1.routing] by: expected one of submitted-by" in refused.stdout

    told = ["--config", str(file), "--application"]
    python = environment.program("python")
    commands = {
        name: [python, "-m", "twisted", "ixnode", *told, name] for name in ("ixn1", "ixn2", "ixn3")
    }
    twistd = [environment.program("twistd"), "--nodaemon", "--pidfile="]
    commands["proxy1"] = [*twistd, "ixproxy", *told, "proxy1"]
    endpoint = next(
        line.split('"')[1]
        for line in file.read_text().partition("[applications.proxy1]")[2].splitlines()
        if line.startswith("endpoint")
    )
    with running(environment, tmp_path, commands) as there:

        def check() -> None:
            for name, process in there.items():
                log = (tmp_path / f"{name}.log").read_text("utf-8", "replace")
                assert process.poll() is None, f"{name} ended:\n{log}"

        await wait_for_server(real_reactor, endpoint, START_SECONDS, check)
        async with client_of(real_reactor, endpoint) as client:
            for queue in ("Sales", "Service"):
                origins = set()
                for _ in range(10):
                    request = RequestSubmit(tenant_id=1, media_type="email", queue=queue)
                    origins.add(id_origin((await client.request(request)).interaction_id))
                home = rendezvous(f"1/{queue}", [NodeName(f"ixn{n}") for n in (1, 2, 3)])[0]
                assert origins == {100 + int(home[-1])}, queue
    for name in commands:
        assert "Traceback" not in (tmp_path / f"{name}.log").read_text("utf-8", "replace"), name
