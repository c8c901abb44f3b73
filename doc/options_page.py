"""Print doc/options.md: every option, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ixproxy.config_keys import Key, Kind
from ixproxy.config_options import (
    NODE_SECTIONS,
    PROXY_SECTIONS,
    MediaTypeSettings,
    WarmStandbyOptions,
)
from ixproxy.config_schema import EVENT_LOG, WARM_STANDBY
from ixproxy.config_sections import option_keys

HEAD = """\
# Options

Where they stand, for an application named `NAME`: `[applications.NAME.options.SECTION]`; for a
media type: `[tenants.TENANT.media-types.NAME.options.settings]`. Names are those of the field. A
value that is out of range is an error of the whole file. This page is generated: `make protocol`.

Keys that are no options have pages of their own: [capture points](capture-points.md),
[TLS](tls.md). Those of [event logs](event-log.md) are at the end of this one.
"""


def default_of(key: Key) -> str:
    match key.default:
        case None | "" | ():
            return "none"
        case bool(value):
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def values_of(key: Key) -> str:
    match key.kind:
        case Kind.WHOLE:
            return f"{key.low} to {key.high} {key.unit}".rstrip()
        case Kind.CHOICE:
            return ", ".join(f"`{choice}`" for choice in key.choices)
        case Kind.NAMES:
            return "names, with commas or in an array"
        case _:
            return str(key.kind.value)


def table(title: str, section: type, prefix: str = "") -> Iterator[str]:
    keys = {f"{prefix}{name}": key for name, key in option_keys(section).items()}
    served = {name: key for name, key in keys.items() if key.served}
    unserved = [f"`{name}`" for name, key in keys.items() if not key.served]
    yield f"\n## {title}\n"
    if served:
        yield "| option | values | default | meaning |"
        yield "|---|---|---|---|"
        for name, key in served.items():
            yield f"| `{name}` | {values_of(key)} | {default_of(key)} | {key.summary} |"
    if unserved:
        gap = "\n" if served else ""
        yield f"{gap}Known and checked, but without effect in this version: {', '.join(unserved)}."


def event_log() -> Iterator[str]:
    yield "\n## Event logs: `event-logs`\n"
    yield "In `[[applications.NAME.event-logs]]`; what they mean says [the page](event-log.md).\n"
    yield "| key | values | default |"
    yield "|---|---|---|"
    for name, key in EVENT_LOG.keys.items():
        if key.required:
            default = "needed"
        else:
            default = "its kind" if name == "name" else default_of(key)
        yield f"| `{name}` | {values_of(key)} | {default} |"
    for name in EVENT_LOG.tables:
        yield f"| `{name}` | a table | none |"


def page() -> Iterator[str]:
    yield HEAD.rstrip("\n")
    sections: Mapping[str, Mapping[str, type]] = {"Proxies": PROXY_SECTIONS, "Nodes": NODE_SECTIONS}
    for owner, tables in sections.items():
        for name, section in tables.items():
            yield from table(f"{owner}: `{name}`", section)
    yield from table("Media types: `settings`", MediaTypeSettings)
    title = "Clusters of proxies, and clients: `settings`"
    yield from table(title, WarmStandbyOptions, f"{WARM_STANDBY}.")
    yield from event_log()


if __name__ == "__main__":
    print("\n".join(page()))
