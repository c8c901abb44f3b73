"""Mistakes that a deployment file has between its tables: it is not used then."""

from __future__ import annotations

from tests.config_cases import Case, case

PROXIES = "design 10, connections of a proxy"
CLUSTERS = "guide, Cluster Configuration"
TENANTS = "design 10, tenants"
VIEWS = "design 8, views"
LIMITS = "design 5 and 7, limits"
PLUGINS = "design 9, plug-ins"
LONG = "v" * 250

MISTAKES_ACROSS: tuple[Case, ...] = (
    case(
        "A cluster of nodes has no proxies",
        CLUSTERS,
        {"applications.nodes": 'connections = ["ixn1", "ixn2", "media"]'},
        'line 53: [applications.nodes] connections: "media" is a proxy; this cluster is one '
        'of nodes ("Interaction Server")',
        "line 89: [applications.media] connections: expected no circle: its connections lead "
        "back to itself",
    ),
    case(
        "A cluster of proxies has no nodes",
        CLUSTERS,
        {"applications.desktops": 'connections = ["proxy1", "proxy2", "ixn1"]'},
        'line 77: [applications.desktops] connections: "ixn1" is a node; this cluster is one '
        'of proxies ("Interaction Server Proxy")',
    ),
    case(
        "A view feeds a strategy that is listed, where some are",
        VIEWS,
        {
            "tenants.Environment": 'strategies = ["Mail"]',
            "tenants.Environment.queues.Inbound.views.All": 'strategy = "Mial"',
        },
        'line 11: [tenants.Environment.queues.Inbound.views.All] strategy: no strategy "Mial"; '
        'did you mean "Mail"?',
    ),
    case(
        "A cluster has no clusters",
        CLUSTERS,
        {"applications.nodes": 'connections = ["ixn1", "ixn2", "desktops"]'},
        'line 53: [applications.nodes] connections: "desktops" is a cluster itself; expected '
        "servers",
    ),
    case(
        "A cluster says of what it is",
        CLUSTERS,
        {"applications.nodes.options.cluster-settings": 'cluster-type = "Interaction Servers"'},
        "line 55: [applications.nodes.options.cluster-settings] cluster-type: expected one "
        'of "Interaction Server", "Interaction Server Proxy", not the text "Interaction '
        'Servers"; did you mean "Interaction Server"?',
    ),
    case(
        "A cluster names primaries only",
        CLUSTERS,
        {"applications.nodes": 'connections = ["ixn1-b", "ixn2"]'},
        'line 53: [applications.nodes] connections: "ixn1-b" is the backup of "ixn1"; '
        'expected primaries only: name "ixn1"',
    ),
    case(
        "A proxy names primaries only",
        PROXIES,
        {"applications.proxy1": 'connections = ["ixn1-b", "ixn2"]'},
        'line 64: [applications.proxy1] connections: "ixn1-b" is the backup of "ixn1"; '
        'expected primaries only: name "ixn1"',
    ),
    case(
        "A proxy has nodes, or a proxy",
        PROXIES,
        {"applications.proxy1": 'connections = ["nodes", "media"]'},
        "line 64: [applications.proxy1] connections: expected nodes or one proxy, not both: "
        '"media" leads to a proxy',
    ),
    case(
        "A proxy has one proxy, or one cluster of them",
        PROXIES,
        {"applications.proxy1": 'connections = ["proxy2", "media"]'},
        "line 64: [applications.proxy1] connections: expected one proxy or one cluster of "
        "proxies, not 2",
    ),
    case(
        "A proxy has somewhere to go",
        PROXIES,
        {"applications.proxy1": 'connections = ["switch"]'},
        "line 64: [applications.proxy1] connections: expected at least one node, proxy or "
        "cluster of them to connect to",
    ),
    case(
        "Proxies run in no circle",
        PROXIES,
        {
            "applications.proxy1": 'connections = ["proxy2"]',
            "applications.proxy2": 'connections = ["proxy1"]',
        },
        "line 64: [applications.proxy1] connections: expected no circle: its connections "
        "lead back to itself",
        "line 73: [applications.proxy2] connections: expected no circle: its connections "
        "lead back to itself",
    ),
    case(
        "A client names primaries only",
        CLUSTERS,
        {
            "applications.urs": (
                'type = "Universal Routing Server"\nconnections = ["nodes", "ixn1-b"]'
            ),
        },
        'line 99: [applications.urs] connections: "ixn1-b" is the backup of "ixn1"; expected '
        '"ixn1"',
    ),
    case(
        "A router's sections are named after nodes",
        "guide, Universal Routing Server",
        {
            "applications.urs": 'type = "Universal Routing Server"\nconnections = ["nodes"]',
            "applications.urs.options.ixn3": 'max-submission-rate = "5/second"',
        },
        'line 100: [applications.urs.options] ixn3: no node "ixn3"; did you mean "ixn2"?',
    ),
    case(
        "A member of a listed group is listed",
        TENANTS,
        {
            "tenants.Environment": 'agents = ["kim"]\nagent-groups = { sales = ["kimm"] }',
        },
        'line 2: [tenants.Environment.agent-groups] sales: no agent "kimm"; did you mean "kim"?',
    ),
    case(
        "A frame holds the largest user data",
        LIMITS,
        {"applications.ixn1.options.settings": "max-frame = 100_000"},
        "line 28: [applications.ixn1.options.settings] max-frame: expected at least 589824: "
        "max-userdata-size and 65536 bytes for the rest of a frame, not 100000",
    ),
    case(
        "It does so on each hop",
        LIMITS,
        {
            "applications.ixn1.options.settings": (
                "max-userdata-size = 1_000_000\nmax-frame = 2_000_000"
            ),
        },
        "line 59: [applications.proxy1.options.settings] max-frame: expected at least "
        '1065536, not 1048576: node "ixn1" takes user data of 1000000 bytes',
        "line 68: [applications.proxy2.options.settings] max-frame: expected at least "
        '1065536, not 1048576: node "ixn1" takes user data of 1000000 bytes',
        "line 83: [applications.media.options.settings] max-frame: expected at least "
        '1065536, not 1048576: node "ixn1" takes user data of 1000000 bytes',
    ),
    case(
        "It does so behind a proxy behind a proxy",
        LIMITS,
        {
            "applications.chained": (
                'type = "Interaction Server"\n'
                'role = "proxy"\n'
                'listen = "tcp:7004:interface=10.0.0.3"\n'
                'connections = ["media"]'
            ),
            "applications.chained.options.settings": "max-frame = 500_000",
        },
        "line 103: [applications.chained.options.settings] max-frame: expected at least "
        '589824, not 500000: node "ixn1" takes user data of 524288 bytes',
    ),
    case(
        "A session outlasts the grace of a lost node",
        "design 7, node lost",
        {"applications.ixn1.options.settings": "agent-session-restore-timeout = 20"},
        "line 58: [applications.proxy1.options.settings] node-loss-grace: expected at most "
        "20, the agent-session-restore-timeout of [applications.ixn1.options.settings], not "
        "30",
        "line 67: [applications.proxy2.options.settings] node-loss-grace: expected at most "
        "20, the agent-session-restore-timeout of [applications.ixn1.options.settings], not "
        "30",
        "line 82: [applications.media.options.settings] node-loss-grace: expected at most "
        "20, the agent-session-restore-timeout of [applications.ixn1.options.settings], not "
        "30",
    ),
    case(
        "A strategy names nodes of its proxy",
        PLUGINS,
        {
            "applications.proxy1.routing": 'use = "weighted"\nweights = { ixn3 = 2 }',
        },
        'line 99: [applications.proxy1.routing] weights: this proxy connects to no "ixn3"; '
        'did you mean "ixn2"?',
    ),
    case(
        "A strategy is installed",
        PLUGINS,
        {"applications.proxy1.routing": 'use = "round-robbin"'},
        "line 98: [applications.proxy1.routing] use: no routing plug-in is named "
        '"round-robbin"; there are: hash-of-id, least-backlog, media-dedicated, round-robin, '
        "weighted",
    ),
    case(
        "A strategy takes its settings",
        PLUGINS,
        {
            "applications.proxy1.pull": 'use = "round-robin"\npull-hold-timeout = 0',
        },
        "line 99: [applications.proxy1.pull] pull-hold-timeout: expected 1 to 600 seconds, not 0",
    ),
    case(
        "A store is installed",
        PLUGINS,
        {"applications.ixn1": 'store = "papyrus:/srv/ixn1"'},
        'line 26: [applications.ixn1] store: no store plug-in is named "papyrus"; there are: '
        "postgresql, sqlite",
    ),
    case(
        "A condition can be read",
        VIEWS,
        {"tenants.Environment.queues.Inbound.views.All": "condition = '[media_typ] = 1'"},
        "line 10: [tenants.Environment.queues.Inbound.views.All] condition: unknown property "
        "'media_typ'; did you mean 'media_type'? (at character 1)",
    ),
    case(
        "An order can be read",
        VIEWS,
        {"tenants.Environment.queues.Inbound.views.All": 'order = "receivd_at"'},
        "line 10: [tenants.Environment.queues.Inbound.views.All] order: unknown property "
        "'receivd_at'; did you mean 'received_at'? (at character 1)",
    ),
    case(
        "A segmentation can be read",
        VIEWS,
        {"tenants.Environment.queues.Inbound.views.All": 'segmentation = "received_at"'},
        "line 10: [tenants.Environment.queues.Inbound.views.All] segmentation: ReceivedAt is "
        "a timestamp: it makes no segments (at character 1)",
    ),
    case(
        "There are segments to limit",
        VIEWS,
        {"tenants.Environment.queues.Inbound.views.All": "segment-limit = 5"},
        "line 10: [tenants.Environment.queues.Inbound.views.All] segment-limit: expected a "
        "segmentation: without one there are no segments to limit",
    ),
    case(
        "A queue has a name of its own",
        VIEWS,
        {"tenants.Environment.queues._system_": ""},
        'line 97: [tenants.Environment.queues] _system_: expected another name: "_system_" '
        'means a pull by ids, and what begins with "workbin:" a workbin\'s queue',
    ),
    case(
        "A view's name has no slash",
        VIEWS,
        {'tenants.Environment.queues.Inbound.views."a/b"': ""},
        "line 97: [tenants.Environment.queues.Inbound.views] a/b: expected a name without "
        '"/": clients write queue/view',
    ),
    case(
        "Queue and view fit into one name",
        VIEWS,
        {f"tenants.Environment.queues.Inbound.views.{LONG}": ""},
        "line 97: [tenants.Environment.queues.Inbound.views] "
        f"{LONG[:97]}...: expected at most 255 bytes for the names of queue and view together",
    ),
    case(
        "A custom property has a name of its own",
        VIEWS,
        {"tenants.Environment.custom-properties": 'priority = { type = "number" }'},
        "line 8: [tenants.Environment.custom-properties] priority: the name belongs to the "
        "business property Priority",
    ),
    case(
        "A custom property is one column for all tenants",
        VIEWS,
        {"tenants.Branch.custom-properties": 'product = { type = "number" }'},
        'line 98: [tenants.Branch.custom-properties.product] type: expected "string", as '
        "another tenant has it: a custom property is one column for all tenants",
    ),
    case(
        "Clients stand by at proxies",
        CLUSTERS,
        {"applications.nodes.options.settings": "warm-standby.retry-delay = 5"},
        "line 98: [applications.nodes.options.settings] warm-standby: clients use no cluster of "
        'nodes; expected it in one of proxies ("Interaction Server Proxy")',
    ),
    case(
        "`warm-standby` is spelled in one way",
        CLUSTERS,
        {
            "applications.desktops.options.settings": (
                'warm-standby.retry-delay = 5\n"warm-standby.retry-delay" = 6'
            )
        },
        "line 99: [applications.desktops.options.settings] warm-standby.retry-delay: "
        "warm-standby has retry-delay already",
    ),
)
