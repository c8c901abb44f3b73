"""The page as a whole: one HTML document that needs nothing else, no network and no script."""

from __future__ import annotations

from importlib import resources

from twisted.python.failure import Failure
from twisted.web.template import Tag, flatten, tags

import ixproxy
from ixproxy.eventlog.reporting import markup
from ixproxy.eventlog.reporting.figures import Figures
from ixproxy.eventlog.reporting.interactions import M_STOPPED, M_SUBMITTED, M_TAKEN, M_WAITING
from ixproxy.eventlog.reporting.section_agents import agents
from ixproxy.eventlog.reporting.section_order import log, missing, order
from ixproxy.eventlog.reporting.section_times import handling, services, waiting
from ixproxy.eventlog.reporting.section_volumes import volumes
from ixproxy.eventlog.reporting.wording import counted, lasting, visible

CONTENTS = (
    ("volumes", "Volumes", volumes),
    ("waiting", "Waiting in queues", waiting),
    ("handling", "Handling by agents", handling),
    ("agents", "Time of agents", agents),
    ("services", "External servers", services),
    ("order", "What broke order", order),
    ("missing", "What is missing", missing),
    ("log", "The log", log),
)

# Nothing is fetched, and nothing runs, even if a name were to get through as markup.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(figures: Figures, title: str, address: str) -> bytes:
    """
    The page, as UTF-8.

    :param address: of the log, as it may be shown.
    """
    style = (resources.files("ixproxy.eventlog.reporting") / "page.css").read_text("utf-8")
    head = tags.head(
        tags.meta(charset="utf-8"),
        tags.meta(**{"http-equiv": "Content-Security-Policy", "content": POLICY}),
        tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
        tags.meta(name="color-scheme", content="light dark"),
        tags.link(rel="icon", href="data:,"),
        tags.title(visible(title)),
        tags.style(style),
    )
    contents = Tag("nav")(
        tags.ul(*(tags.li(tags.a(text, href=f"#{key}")) for key, text, _ in CONTENTS)),
        **{"aria-label": "Contents"},
    )
    main = Tag("main")(
        _tiles(figures), *_said(figures), *(make(figures) for _, _, make in CONTENTS)
    )
    body = tags.body(
        tags.div(_header(figures, title, address), contents, main, _footer(), class_="frame")
    )
    return b"<!DOCTYPE html>\n" + rendered(tags.html(head, body, lang="en"))


def rendered(root: Tag) -> bytes:
    """Markup as bytes; everything that is no tag is escaped."""
    parts: list[bytes] = []
    problems: list[Failure] = []
    # Nothing in it has to be waited for.
    flatten(None, root, parts.append).addErrback(problems.append)
    for problem in problems:
        problem.raiseException()
    return b"".join(parts)


def _header(figures: Figures, title: str, address: str) -> Tag:
    period, overview = figures.period, figures.overview
    nodes = len({dbid for dbid, _, _ in overview.nodes})
    kind = "a merged log" if overview.merged else "a log"
    whose = f" of tenant {figures.wanted.tenant}" if figures.wanted.tenant is not None else ""
    return Tag("header")(
        tags.h1(markup.name(title)),
        tags.p(
            markup.moment(period.begin), " – ", markup.moment(period.end), " UTC", class_="when"
        ),
        tags.p(
            f"{counted(figures.events)} events{whose} of {counted(nodes)}"
            f" {'node' if nodes == 1 else 'nodes'}, from {kind}: ",
            markup.name(address),
        ),
    )


def _tiles(figures: Figures) -> Tag:
    media = figures.interactions.media.whole
    waits, handlings = figures.interactions.waits.whole, figures.interactions.by_media.whole
    shown = (
        ("Submitted", counted(media[M_SUBMITTED]), ""),
        ("Taken from queues", counted(media[M_TAKEN]), ""),
        ("Stopped", counted(media[M_STOPPED]), ""),
        ("Waiting at the end", counted(media[M_WAITING]), ""),
        ("Waiting, median", lasting(waits.median) if waits.count else "–", ""),
        ("Handling, median", lasting(handlings.median) if handlings.count else "–", ""),
        ("Events dropped", counted(figures.dropped), "bad" if figures.dropped else ""),
    )
    return tags.dl(
        *(tags.div(tags.dt(term), tags.dd(value), class_=kind) for term, value, kind in shown),
        class_="tiles",
    )


def _said(figures: Figures) -> list[Tag]:
    """What must be known before anything else is read."""
    said = []
    if figures.dropped:
        said.append(
            tags.div(
                tags.p(
                    f"{counted(figures.dropped)} events were dropped and are missing from all "
                    "figures: ",
                    tags.a("what exactly", href="#missing"),
                    ".",
                ),
                class_="said bad",
            )
        )
    if not figures.overview.merged and len(figures.overview.nodes) > 1:
        said.append(
            tags.div(
                tags.p(
                    "Several nodes write this log, and it is not merged: times between nodes are "
                    "as good as their clocks are. Merge it first (ixctl eventlog merge) to have "
                    "them corrected."
                ),
                class_="said",
            )
        )
    return said


def _footer() -> Tag:
    return Tag("footer")(
        tags.p(
            "All times are UTC. A time of waiting, handling or calling is counted when it ends; "
            "what began before the period is counted with its whole length. Medians and other "
            "percentiles are exact, by nearest rank: 90 % is the smallest time that is there of "
            "which it is true that 90 of 100 are not longer. Tables name the first 50; what "
            "stands behind them is in the row of the others, so nothing is missing from the sums."
        ),
        tags.p(f"Made by ixctl {ixproxy.__version__}."),
    )
