"""What capture points must keep beside the rest of a deployment, and what the guide advises."""

from __future__ import annotations

from collections.abc import Iterator
from os.path import normpath

from ixproxy.addresses import connect_address, listen_address
from ixproxy.config_capture import defaults_of
from ixproxy.config_capture_keys import FIELD_LENGTH
from ixproxy.config_check import instead
from ixproxy.config_keys import shown
from ixproxy.config_lines import Path
from ixproxy.config_rules import Case, Rule, overlap
from ixproxy.config_tables import CapturePoint, NodeApplication, Tenant
from ixproxy.errors import RequestRefused
from ixproxy.node.intake_splitting import submit_of
from ixproxy.node.intake_work import Operation, Verb
from ixproxy.node.properties import READ_ONLY


def _points(case: Case) -> Iterator[tuple[NodeApplication, Path, CapturePoint]]:
    """Every capture point, with its node and the path of its table."""
    for node in case.deployment.nodes():
        for place, point in enumerate(node.capture):
            yield node, ("applications", node.name, "capture", place), point


def _tenants(case: Case, node: NodeApplication, point: CapturePoint) -> list[Tenant]:
    """The tenants that a capture point works for."""
    mine = list(case.deployment.tenants_of(node))
    return [each for each in mine if not point.tenant or each.name == point.tenant]


def _names_are_their_own(case: Case) -> None:
    for node in case.deployment.nodes():
        seen: set[str] = set()
        for place, point in enumerate(node.capture):
            if point.name and point.name in seen:
                path = ("applications", node.name, "capture", place)
                text = f'another capture point of this node is named "{point.name}" already'
                case.findings.error(path, "name", text)
            seen.add(point.name)


def _tenants_are_the_nodes(case: Case) -> None:
    for node, path, point in _points(case):
        if point.tenant and point.tenant not in node.tenants:
            text = f'this node has no tenant "{point.tenant}"{instead(point.tenant, node.tenants)}'
            case.findings.error(path, "tenant", text)


def _queues_are_there(case: Case) -> None:
    for node, path, point in _points(case):
        tenants = _tenants(case, node, point)
        known = sorted({queue for tenant in tenants for queue in tenant.queues})
        if tenants and point.queue and point.queue not in known:
            text = f'none of its tenants has a queue "{point.queue}"{instead(point.queue, known)}'
            case.findings.error(path, "queue", text)


def _defaults_are_values_of_their_properties(case: Case) -> None:
    for node, path, point in _points(case):
        for name, value in point.defaults.items():
            table = (*path, "default-values")
            if name == "Queue" and point.queue:
                case.findings.error(table, name, "the capture point has a key queue already")
            if not isinstance(value, str | int | dict):
                expected = "a text, a whole number, true or false, or a table"
                text = f"expected {expected}, not {shown(value)}"
                case.findings.error(table, name, text)
                continue
            try:
                read_only = _read_only(name, value)
            except RequestRefused as problem:
                case.findings.error(table, name, problem.description)
                continue
            if read_only and not node.settings.ignore_read_only_on_submit:
                text = f"{_named(read_only)}, so every submit would be refused with 3046"
                case.findings.error(table, name, text)


def _defaults_have_an_effect(case: Case) -> None:
    for node, path, point in _points(case):
        for name, value in point.defaults.items():
            if node.settings.ignore_read_only_on_submit:
                try:
                    read_only = _read_only(name, value)
                except RequestRefused:
                    # That is a mistake, and said already.
                    continue
                if read_only:
                    text = f"{_named(read_only)}: ignore-read-only-on-submit has it left out"
                    case.findings.warning((*path, "default-values"), name, text)


def _read_only(name: str, value: object) -> list[str]:
    """
    What of a default no submit may have, in order: it, or what a table of user data holds.

    :raise RequestRefused: it is no value of its property.
    """
    submit = submit_of(Operation(verb=Verb.SUBMIT), {name: value}, tenant_id=1)
    return sorted(READ_ONLY & submit.request.user_data.keys())


def _named(read_only: list[str]) -> str:
    return f"only the server itself sets {' and '.join(read_only)}"


def _names_are_short(case: Case) -> None:
    for _, path, point in _points(case):
        if len(point.name) > FIELD_LENGTH:
            text = (
                f"the field's names of capture points have at most {FIELD_LENGTH} characters, "
                f"and this one has {len(point.name)}"
            )
            case.findings.warning(path, "name", text)


def _media_types_of_defaults_are_known(case: Case) -> None:
    for node, path, point in _points(case):
        media_type = str(defaults_of(point).get("MediaType", ""))
        tenants = _tenants(case, node, point)
        if tenants and not any(media_type in tenant.media_types for tenant in tenants):
            text = (
                f'none of its tenants has the media type "{media_type}", which a submit has that '
                "names none: it will be refused"
            )
            given = "MediaType" in point.defaults
            where = (*path, "default-values") if given else path
            case.findings.warning(where, "MediaType" if given else "", text)


def _directories_are_watched_once(case: Case) -> None:
    seen: dict[str, tuple[Path, str]] = {}
    for node, path, point in _points(case):
        watched = point.chosen.settings.get("inbound-path")
        if point.chosen.use != "file" or not isinstance(watched, str):
            continue
        first, other = seen.setdefault(normpath(watched), (path, node.name))
        if first != path:
            text = (
                f'the guide has file capture points watch different directories, and "{other}"'
                " watches this one already"
            )
            case.findings.warning(path, "inbound-path", text)


def _web_services_listen_apart(case: Case) -> None:
    taken = [
        (connect_address(each.endpoint).host, listen_address(each.listen), f'"{each.name}"')
        for each in case.servers()
        if each.listen and each.endpoint
    ]
    for node, path, point in _points(case):
        listen = point.chosen.settings.get("listen")
        if point.chosen.use != "webservice" or not isinstance(listen, str) or not node.endpoint:
            continue
        try:
            mine = listen_address(listen)
        except ValueError:
            # The capture point says itself what is wrong with it.
            continue
        host = connect_address(node.endpoint).host
        for other_host, theirs, other in taken:
            if host == other_host and overlap(mine, theirs):
                text = f"{other} listens on this address of the same host already"
                case.findings.error(path, "listen", text)
                break
        taken.append((host, mine, f'"{point.name}" of "{node.name}"'))


RULES: tuple[Rule, ...] = (
    _names_are_their_own,
    _tenants_are_the_nodes,
    _queues_are_there,
    _defaults_are_values_of_their_properties,
    _web_services_listen_apart,
)
ADVICE: tuple[Rule, ...] = (
    _defaults_have_an_effect,
    _names_are_short,
    _media_types_of_defaults_are_known,
    _directories_are_watched_once,
)
