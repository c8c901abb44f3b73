"""Debian's Chromium, which a test drives through Playwright: what a page looks like to a person."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = Path("/usr/bin/chromium")

WIDTHS = ((360, 800), (1440, 900))
SCHEMES = ("light", "dark")

# Of each text that is seen: its colour and what is behind it, as channels from 0 to 1.
TEXTS = """() => {
  const found = [];
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = '#000'; canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data, (each) => each / 255);
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] !== 0) return null;
    }
    return [1, 1, 1, 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest('title, desc, style')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width || !box.height || !element.checkVisibility({visibilityProperty: true})) continue;
    const style = getComputedStyle(element);
    const drawn = element.namespaceURI.endsWith('/svg');
    found.push({
      text: node.data.trim().slice(0, 40),
      ink: channels(drawn ? style.fill : style.color),
      behind: behind(element),
      drawn,
    });
  }
  return found;
}"""

OVERFLOW = """() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"""

# Texts of charts, which nothing keeps apart but our sums: those that lie on each other.
COLLISIONS = """() => Array.from(document.querySelectorAll('svg.chart')).flatMap((chart) => {
  const seen = Array.from(chart.querySelectorAll('text'))
    .map((text) => [text, text.getBoundingClientRect()]).filter(([, box]) => box.width);
  return seen.flatMap(([text, a], place) => seen.slice(place + 1)
    .filter(([, b]) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4
      && b.top < a.bottom - 4)
    .map(([other]) => `${text.textContent} / ${other.textContent}`));
})"""

# The rows of a table; a time is its seconds, everything else the text as it is shown.
ROWS = """(table) => Array.from(table.querySelectorAll('tbody tr, tfoot tr'), (row) =>
  Array.from(row.cells, (cell) => {
    const lasting = cell.querySelector('time[datetime^=PT]');
    return lasting ? lasting.getAttribute('datetime') : cell.textContent;
  }))"""


def unusable() -> str:
    """Why no browser can be started here; empty: one can."""
    return (
        "" if PROGRAM.exists() else "Chromium is not installed (Debian: apt-get install chromium)"
    )


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without a window, which reaches no network but what pages ask for."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(PROGRAM), args=arguments)
        try:
            yield started
        finally:
            started.close()


class Seen:
    """
    A page in a browser, and what went on while it came.

    :ivar said: what it wrote to the console, and errors.
    :ivar asked: the addresses that it asked for, beside its own.
    """

    def __init__(self, browser: Browser, path: Path, width: int, height: int, scheme: str) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        own = path.as_uri()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("requestfailed", lambda request: self.said.append(f"failed: {request.url}"))
        self.page.on(
            "request",
            lambda request: None if request.url == own else self.asked.append(request.url),
        )
        self.page.goto(own)

    def unfold(self) -> None:
        """Open what is folded, so that all of it is seen."""
        for summary in self.page.query_selector_all("summary"):
            summary.click()

    def asks(self, question: str) -> Any:
        """What a function of the browser's language answers."""
        return self.page.evaluate(question)

    def rows(self, table: str) -> list[list[str]]:
        """The rows of a table, without its head."""
        found: list[list[str]] = self.page.eval_on_selector(f"#{table}", ROWS)
        return found


def contrast(first: list[float], second: list[float]) -> float:
    """How much two colours differ, from 1 to 21, as WCAG defines it."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: list[float]) -> float:
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in colour[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
