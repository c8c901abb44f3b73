"""Where to connect: the application of a deployment file, and the tenant that is meant."""

from __future__ import annotations

from collections.abc import Sequence

from ixproxy.cli.outcomes import UsageError
from ixproxy.config import ClientView, Deployment, client_view


def view_of(deployment: Deployment, application: str, tenant: str = "") -> ClientView:
    """
    Where to connect for the name of an application.

    :param tenant: the id or the name of the tenant that a command is about: of
        a cluster, only proxies that are for it are used.
    :raise ConfigError: there is no such application, or nothing to connect to.
    :raise UsageError: no proxy is for the tenant, or there is none such.
    """
    view = client_view(deployment, application)
    if not tenant:
        return view
    try:
        place = view.place.serving([tenant_of(tenant, deployment, ())])
    except ValueError as problem:
        raise UsageError(f"{application}: {problem}") from problem
    return ClientView(place, view.tenants)


def tenant_of(wanted: str, deployment: Deployment | None, served: Sequence[int]) -> int:
    """
    The id of the tenant that a command is about.

    :param wanted: its id or, with a deployment file, its name; empty: the
        only one that the server serves.
    :raise UsageError: there is none such, or it is not clear which.
    """
    if wanted.isascii() and wanted.isdigit():
        return int(wanted)
    if not wanted:
        if len(served) == 1:
            return served[0]
        listed = ", ".join(map(str, served)) or "none"
        raise UsageError(f"name the tenant with --tenant; the server serves: {listed}")
    if deployment is None:
        raise UsageError(f"a tenant's name needs --config; its id would do: {wanted!r}")
    if wanted not in deployment.tenants:
        raise UsageError(
            f"no tenant {wanted!r} in the file; there are: {', '.join(deployment.tenants)}"
        )
    return deployment.tenants[wanted].id
