"""Advice on who connects to whom, and the warning that comes where it is not followed."""

from __future__ import annotations

from tests.config_cases import Case, case

STEPS = "guide, Step by Step"
VIEWS = "design 8, pushed routing"

DOUBTS_OF_CLIENTS: tuple[Case, ...] = (
    case(
        "A proxy can serve the tenants that it names",
        STEPS,
        {
            "tenants.Empty": "id = 3",
            "applications.media": 'tenants = ["Environment", "Branch", "Empty"]',
        },
        "line 85: [applications.media] tenants: no node behind this proxy serves tenant "
        '"Empty", and clients choose a proxy by its tenants',
    ),
    case(
        "A tenant has a proxy that names it",
        STEPS,
        {
            "applications.proxy1": 'tenants = ["Environment"]',
            "applications.proxy2": 'tenants = ["Environment"]',
            "applications.media": 'tenants = ["Environment"]',
        },
        "line 14: [tenants.Branch]: no proxy names this tenant, and clients choose a proxy "
        "by its tenants",
    ),
    case(
        "Proxies of a cluster see the same nodes",
        "guide, Cluster Configuration",
        {"applications.proxy2": 'connections = ["ixn1"]'},
        "line 77: [applications.desktops] connections: the guide has every proxy connect to "
        'all nodes, and "proxy2" does not to ixn2: a client that chooses it misses what is '
        "there",
    ),
    case(
        "A cluster of proxies has one more than is needed",
        "guide, Genesys Desktop Apps",
        {"applications.desktops": 'connections = ["proxy1"]'},
        "line 77: [applications.desktops] connections: the guide has one proxy more than is "
        'needed, and "proxy1" stands alone: its clients have nowhere else to go',
    ),
    case(
        "Media, reporting and routing clients have a pair of proxies",
        "guide, Media Servers; Reporting and Orchestration",
        {
            "applications.mail": 'type = "E-mail Server"\nconnections = ["proxy1"]',
        },
        "line 99: [applications.mail] connections: the guide connects a client of type "
        '"E-mail Server" to a pair of proxies, and "proxy1" has no backup',
    ),
    case(
        "They have a pair of their own",
        "guide, Reporting and Orchestration",
        {
            "applications.stat": 'type = "Stat Server"\nconnections = ["desktops"]',
        },
        'line 99: [applications.stat] connections: the guide connects a client of type "Stat '
        'Server" to a pair of proxies of its own, not to the cluster "desktops"',
    ),
    case(
        "Media servers use proxies",
        "guide, Media Servers",
        {
            "applications.chat": 'type = "Chat Server"\nconnections = ["ixn1"]',
        },
        'line 99: [applications.chat] connections: the guide connects a client of type "Chat '
        'Server" to a pair of proxies, and "ixn1" is a node: its interactions would all go '
        "there",
    ),
    case(
        "Desktops choose from a cluster",
        STEPS,
        {
            "applications.desk": 'type = "Agent Desktop"\nconnections = ["proxy1"]',
        },
        "line 99: [applications.desk] connections: the guide connects desktops to a cluster "
        'of proxies, of which each chooses one; "proxy1" is one server',
    ),
    case(
        "A reporting client sees every node",
        STEPS,
        {
            "applications.stat": 'type = "Stat Server"\nconnections = ["ixn1"]',
        },
        "line 99: [applications.stat] connections: connected to nodes directly, it sees "
        "those nodes only: the guide connects it to proxies or to every node; missing: ixn2",
    ),
    case(
        "URS is connected to every node",
        "guide, Universal Routing Server",
        {
            "applications.urs": 'type = "Universal Routing Server"\nconnections = ["ixn1"]',
        },
        "line 99: [applications.urs] connections: the guide connects it to every node; "
        "missing: ixn2",
    ),
    case(
        "URS is connected to no proxy",
        "guide, Universal Routing Server",
        {
            "applications.urs": (
                'type = "Universal Routing Server"\nconnections = ["nodes", "media"]'
            ),
        },
        "line 99: [applications.urs] connections: the guide connects it to the nodes "
        'directly, and "media" is a proxy',
    ),
    case(
        "A client finds its tenants where it connects",
        STEPS,
        {
            "applications.proxy2": 'tenants = ["Environment"]',
            "applications.proxy1": 'tenants = ["Environment"]',
            "applications.desk": (
                'type = "Agent Desktop"\ntenants = ["Branch"]\nconnections = ["desktops"]'
            ),
        },
        'line 99: [applications.desk] tenants: it works for tenant "Branch", which '
        '"desktops" does not name',
    ),
    case(
        "One proxy is for all tenants of a client",
        STEPS,
        {
            "applications.proxy1": 'tenants = ["Environment"]',
            "applications.proxy2": 'tenants = ["Branch"]',
            "applications.desk": (
                'type = "Agent Desktop"\ntenants = ["Environment", "Branch"]\n'
                'connections = ["desktops"]'
            ),
        },
        "line 100: [applications.desk] connections: no proxy among them is for all of the "
        "tenants Environment, Branch: this client cannot connect",
    ),
    case(
        "A strategy that is listed is fed by a view",
        VIEWS,
        {"tenants.Environment": 'strategies = ["Mail"]'},
        'line 2: [tenants.Environment] strategies: no view has the strategy "Mail": nothing is '
        "pushed to routers for it",
    ),
)
