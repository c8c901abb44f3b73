"""Files as a source of a capture chaos run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ixproxy.capture.refusing import DocumentRefused
from ixproxy.capture.xml_parsing import parse
from ixproxy.testing.capture_chaos_source import Fault, Source
from ixproxy.testing.capture_chaos_words import Given, Told, xml

PLACES = ("inbound", "error", "processed", "notification")
REASON = ".reason.txt"


class Files(Source):
    """Somebody who renames files into a directory."""

    told_of_bad = True
    ordered = True

    async def start(self) -> None:
        """Make the directories."""
        await super().start()
        for place in PLACES:
            (self.folder / place).mkdir()

    def settings(self) -> Mapping[str, object]:
        """All four directories."""
        return {
            "use": "file",
            "scan-interval": 0.5,
            **{f"{place}-path": str(self.folder / place) for place in PLACES},
        }

    async def give(self, documents: Sequence[Given]) -> None:
        """Rename each into place, as often as the directory has to come back first."""
        for given in documents:
            hidden = self.folder / "hidden"
            hidden.write_bytes(xml(given))
            while True:
                try:
                    hidden.rename(self.folder / "inbound" / f"{given.name}.xml")
                    break
                except OSError:
                    await self.pause()
            await self.pause(0)

    def faults(self) -> Mapping[str, tuple[Fault, float, float]]:
        """Directories that are gone for a while, as those of a network mount."""
        return {f"{place} directory is gone": (self._gone(place), 0.5, 2.5) for place in PLACES}

    def _gone(self, place: str) -> Fault:
        async def strike(seconds: float) -> None:
            away = self.folder / f"away-{place}"
            (self.folder / place).rename(away)
            await self.pause(seconds)
            away.rename(self.folder / place)

        return strike

    async def left(self) -> int:
        """What is in the inbound directory."""
        return len(self._files("inbound"))

    async def errors(self) -> Mapping[str, Sequence[str]]:
        """Each file has its reason beside it."""
        found: dict[str, list[str]] = {}
        for path in self._files("error"):
            if not path.name.endswith(REASON):
                beside = path.with_name(path.name + REASON)
                reason = beside.read_text() if beside.exists() else ""
                found.setdefault(path.name.partition(".")[0], []).append(reason)
        return found

    async def told(self) -> Sequence[Told]:
        """By the numbers of the files."""
        paths = sorted(self._files("notification"), key=lambda path: int(path.stem))
        return [told_in(path.read_bytes()) for path in paths]

    async def copies(self) -> Counter[str]:
        """What is in the directory of what was processed."""
        return Counter(path.name.partition(".")[0] for path in self._files("processed"))

    def _files(self, place: str) -> list[Path]:
        try:
            return [
                path for path in (self.folder / place).iterdir() if not path.name.startswith(".")
            ]
        except OSError:
            return []


def told_in(content: bytes) -> Told:
    """What a notification in XML says."""
    try:
        root = parse(content)
    except DocumentRefused as problem:
        return Told(f"unreadable: {problem}", "", "")
    said = root.attributes
    extra = {each.name: each.text for group in root if group.name == "extra" for each in group}
    return Told(
        said.get("operation", ""),
        said.get("ExternalId", ""),
        said.get("EventId", ""),
        said.get("InteractionId", ""),
        # The reply to an operation has its number as well.
        "" if "Operation" in extra else extra.get("Document", ""),
    )
