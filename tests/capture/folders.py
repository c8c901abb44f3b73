"""The outside of a file capture point: four directories, and what a source does with them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ixproxy.capture.file import FileCapturePoint, make
from ixproxy.capture.file_names import count_of
from ixproxy.capture.xml_parsing import parse
from ixproxy.testing.capture_outside import Outside
from ixproxy.testing.fake_intake import FakeIntake
from tests.capture.threadless import ThreadlessClock


def document(name: str) -> bytes:
    return (
        f'<interaction operation="submit" ExternalId="{name}">'
        "<properties><Queue>In</Queue></properties></interaction>"
    ).encode()


class Folders(Outside):
    """Directories that one capture point works on."""

    def __init__(self, reactor: Any = None, **settings: object) -> None:
        super().__init__()
        self.reactor = ThreadlessClock() if reactor is None else reactor
        self._place = TemporaryDirectory()
        self.root = Path(self._place.name) / "capture"
        self.settings = {
            "inbound-path": str(self.inbound),
            "error-path": str(self.error),
            "processed-path": str(self.processed),
            "notification-path": str(self.notification),
            **{key.replace("_", "-"): value for key, value in settings.items()},
        }
        for each in (self.inbound, self.error, self.processed, self.notification):
            each.mkdir(parents=True)

    @property
    def inbound(self) -> Path:
        return self.root / "inbound"

    @property
    def error(self) -> Path:
        return self.root / "error"

    @property
    def processed(self) -> Path:
        return self.root / "processed"

    @property
    def notification(self) -> Path:
        return self.root / "notification"

    def make_point(self) -> FileCapturePoint:
        return make({key: value for key, value in self.settings.items() if value != ""})

    def give(self, name: str) -> None:
        self.put(f"{name}.xml", document(name))

    def give_bad(self, name: str) -> None:
        self.put(f"{name}.xml", b"<interaction>")

    def put(self, name: str, content: bytes) -> Path:
        """A file is renamed into the inbound directory, as it should be."""
        hidden = self.root / "hidden"
        hidden.write_bytes(content)
        return hidden.rename(self.inbound / name)

    def left(self) -> list[str]:
        return sorted(path.stem for path in self.inbound.iterdir())

    def errors(self) -> dict[str, str]:
        reasons = self.error.glob("*.reason.txt")
        return {path.name.removesuffix(".xml.reason.txt"): path.read_text() for path in reasons}

    def told(self) -> list[tuple[str, str]]:
        files = sorted(self.notification.iterdir(), key=lambda path: count_of(path.name) or 0)
        roots = [parse(path.read_bytes()).attributes for path in files]
        return [(root["operation"], root["InteractionId"]) for root in roots]

    def cut(self) -> None:
        self.root.rename(self.root.with_name("away"))

    def mend(self) -> None:
        self.root.with_name("away").rename(self.root)

    def close(self) -> None:
        self._place.cleanup()


class Begun:
    """A capture point that has begun, and what it works on."""

    def __init__(self, **settings: object) -> None:
        self.there = Folders(**settings)
        self.point: FileCapturePoint = self.there.make_point()
        self.intake = FakeIntake(self.there.reactor)
        self.point.begin(self.intake)
        self.there.later(0)

    def taken(self) -> list[str]:
        return [each.operations[0].external_id for each in self.intake.taken]

    def end(self) -> None:
        done: list[None] = []
        self.point.end().addCallback(done.append)
        self.intake.close()
        self.there.until(lambda: done)
        self.there.close()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
