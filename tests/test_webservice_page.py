"""What doc/capture-webservice.md shows is what happens, with real servers, curl and zeep."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from ixproxy.capture.web_settings import read_settings
from ixproxy.errors import ConfigError
from ixproxy.testing.processes import RealCluster
from tests.documents import blocks

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "doc" / "capture-webservice.md"
BLOCKS = list(blocks(PAGE, PAGE.read_text()))
SHOWN = "127.0.0.1:8080"


def those(language: str) -> list[Any]:
    return [block for block in BLOCKS if block.language == language]


def run(command: list[str], typed: str = "") -> str:
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def fits(shown: Any, said: Any) -> bool:
    """Whether an answer has what the page shows; `…` stands for anything."""
    if shown == "…":
        return True
    if isinstance(shown, dict):
        named = {key: value for key, value in shown.items() if key != "…"}
        return all(key in said and fits(value, said[key]) for key, value in named.items())
    if isinstance(shown, list):
        return len(shown) == len(said) and all(map(fits, shown, said))
    return bool(shown == said)


def typed_and_shown(text: str) -> list[tuple[str, Any]]:
    """The commands of a console block, each with the answer shown below it, or None."""
    found: list[tuple[str, Any]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), None))
        else:
            found[-1] = (found[-1][0], msgspec.json.decode(line))
    return found


def call(where: str) -> None:
    """All that the page has typed."""
    for block in those("console"):
        for command, shown in typed_and_shown(block.text):
            assert SHOWN in command
            said = msgspec.json.decode(run(shlex.split(command.replace(SHOWN, where))))
            assert "code" not in said, f"{command}: {said}"
            assert shown is None or fits(shown, said), f"{command}: {said}"
    for block in those("python"):
        said_by_zeep = run([sys.executable, "-"], block.text.replace(SHOWN, where))
        assert "'Queue': 'Inbound'" in said_by_zeep
        assert "Interaction Server protocol error 43" in said_by_zeep


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_what_the_page_shows_happens(tmp_path: Path, real_reactor: Any) -> None:
    assert shutil.which("curl"), "curl is not installed"
    text = next(block.text for block in those("toml") if block.run == "check-config")
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        found = re.search(r'use = "webservice"\nlisten = "tcp:([0-9]+)', cluster.file.read_text())
        assert found is not None
        await deferToThread(call, f"127.0.0.1:{found[1]}")


def test_the_page_names_every_setting() -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings({"listen": "tcp:1", "colour": "red"})
    known = refused.value.problems[0].text.partition("there are: ")[2].split(", ")
    text = PAGE.read_text()
    assert [key for key in known if f"`{key}`" not in text] == []
