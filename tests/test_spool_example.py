"""The capture point that the page on plug-ins shows keeps the contract."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import ConfigError
from ixproxy.interfaces_capture import ICapturePoint
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside

PAGE = (Path(__file__).parent.parent / "doc" / "plugins.md").read_text()
(TEXT,) = re.findall(r'```python\n("""acme_ixproxy/spool.py.*?)```', PAGE, re.DOTALL)
SHOWN: dict[str, Any] = {}
exec(compile(TEXT, "spool.py", "exec"), SHOWN)


class Folder(Outside):
    breaks = False
    ordered = True

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def make_point(self) -> ICapturePoint:
        point: ICapturePoint = SHOWN["make"]({"folder": str(self.folder)})
        return point

    def give(self, name: str) -> None:
        self._write(name, json.dumps({"ExternalId": name}))

    def give_bad(self, name: str) -> None:
        self._write(name, "{")

    def _write(self, name: str, text: str) -> None:
        (self.folder / "new").write_text(text)
        (self.folder / "new").rename(self.folder / f"{name}.jsonl")

    def left(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.jsonl"))

    def errors(self) -> dict[str, str]:
        return {path.stem: path.read_text() for path in self.folder.glob("*.bad")}

    def told(self) -> list[tuple[str, str]]:
        log = self.folder / "told.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(line.split()[1], line.split()[2]) for line in lines]


class TestSpool(CapturePointContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.there = Folder(tmp_path)

    def setup_method(self) -> None:
        self.terms = []

    def outside(self) -> Outside:
        return self.there


@pytest.mark.parametrize("settings", [{}, {"folder": 1}, {"folder": "x", "other": 1}])
def test_its_maker_names_what_is_wrong(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="folder: expected the path"):
        SHOWN["make"](settings)
