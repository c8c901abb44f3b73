"""Advice on a deployment file, and the warning that comes where it is not followed."""

from __future__ import annotations

from tests.config_cases import Case, case

GUIDE = "guide, Cluster Deployment Overview"
SETTINGS = "guide, Configuration Recommendations"
STEPS = "guide, Step by Step"
LICENCES = "guide, Licensing"
ESP = "guide, ESP Configuration Must Be Symmetrical"
SERVED = "design 10, a table not served yet"
SECURITY = "design 12, security"
VIEWS = "design 8, views"
PARKING = "design 15, parking of requests"

DOUBTS: tuple[Case, ...] = (
    case(
        "A key that is not served has no effect",
        SERVED,
        {"applications.ixn1.options.health-service": "enable-keepalive = true"},
        "line 98: [applications.ixn1.options.health-service] enable-keepalive: known, but not "
        "served yet: it has no effect",
    ),
    case(
        "Nodes come in pairs",
        GUIDE,
        {
            "applications.ixn1": "-backup",
            "applications.ixn1-b": 'type = "T-Server"\n-listen',
        },
        "line 19: [applications.ixn1] backup: the guide configures every node as a pair: "
        "without a backup, nobody can process this node's interactions while it is down",
    ),
    case(
        "Every node is connected to",
        STEPS,
        {"applications.nodes": 'connections = ["ixn1"]'},
        "line 34: [applications.ixn2]: no proxy connects to this node, directly or by a cluster",
    ),
    case(
        "A request that waits for its node has time left when that is back",
        PARKING,
        {"applications.proxy1.options.settings": "parking-window = 30"},
        "line 98: [applications.proxy1.options.settings] parking-window: expected less than "
        "request-timeout, 30, not 30: a request that waits so long is out of time when its "
        "node is back",
    ),
    case(
        "It does not wait longer than its interaction stays with its client",
        PARKING,
        {"applications.proxy1.options.settings": "parking-window = 25\nnode-loss-grace = 20"},
        "line 98: [applications.proxy1.options.settings] parking-window: expected at most "
        "node-loss-grace, 20, not 25: a request that waits longer is for what was revoked from "
        "its client",
    ),
    case(
        "It waits long enough for a backup to take over from a primary that hangs",
        PARKING,
        {"applications.proxy1.options.settings": "parking-window = 11"},
        "line 98: [applications.proxy1.options.settings] parking-window: expected at least 12, "
        "the longest lease-limit of the pairs behind it and 2, not 11: a request is refused "
        "before the backup of a node that hangs has taken over",
    ),
    case(
        "For one node no more requests wait than for all",
        PARKING,
        {"applications.proxy1.options.settings": "parking-window = 15\nmax-parked = 1000"},
        "line 97: [applications.proxy1.options.settings] max-parked-per-node: expected at most "
        "max-parked, 1000, not 5000: more than that never wait",
    ),
    case(
        "Only Interaction Servers are in a cluster",
        "guide, Interaction Server Application Type",
        {"applications.nodes": 'connections = ["ixn1", "ixn2", "switch"]'},
        'line 53: [applications.nodes] connections: "switch" is left out: only applications '
        'of type "Interaction Server" are connected, not "T-Server"',
    ),
    case(
        "Only Interaction Servers are connected",
        "guide, Interaction Server Application Type",
        {"applications.proxy1": 'connections = ["nodes", "switch"]'},
        'line 64: [applications.proxy1] connections: "switch" is left out: only applications '
        'of type "Interaction Server" are connected, not "T-Server"',
    ),
    case(
        "A proxy of a cluster of proxies has no backup",
        "guide, Genesys Desktop Apps",
        {"applications.desktops": 'connections = ["proxy1", "media"]'},
        "line 88: [applications.media] backup: the guide advises against a backup for a "
        "proxy in a cluster of proxies: its clients go to another proxy of the cluster",
    ),
    case(
        "`login-session-timeout` is 1440",
        SETTINGS,
        {"applications.ixn1.options.settings": "login-session-timeout = 60"},
        "line 28: [applications.ixn1.options.settings] login-session-timeout: the guide "
        "recommends 1440, not 60",
    ),
    case(
        "`not-ready-on-invitation-timeout` is false",
        SETTINGS,
        {"applications.ixn1.options.settings": "not-ready-on-invitation-timeout = true"},
        "line 28: [applications.ixn1.options.settings] not-ready-on-invitation-timeout: the "
        "guide recommends false: else nodes disagree on an agent's state",
    ),
    case(
        "`allow-multiple-agent-connections` is false",
        SETTINGS,
        {"applications.ixn1.options.settings": "allow-multiple-agent-connections = true"},
        "line 28: [applications.ixn1.options.settings] allow-multiple-agent-connections: the "
        "guide recommends false in a cluster, not true: notifications multiply",
    ),
    case(
        "`agent-login-control` is equal on all nodes",
        SETTINGS,
        {"applications.ixn1.options.settings": 'agent-login-control = "ignore"'},
        "line 43: [applications.ixn2.options.settings] agent-login-control: the guide "
        'recommends the same on all nodes, and "ixn1" has "ignore", not "none"',
    ),
    case(
        "An agent whose id is the place has such a place",
        SETTINGS,
        {
            "tenants.Environment": 'agents = ["kim"]\nplaces = ["desk-1"]',
            "applications.ixn1.options.settings": 'agent-login-control = "ignore"',
            "applications.ixn2.options.settings": 'agent-login-control = "ignore"',
        },
        "line 30: [applications.ixn1.options.settings] agent-login-control: an agent's id "
        'serves as the place, and tenant "Environment" has no place kim',
        "line 46: [applications.ixn2.options.settings] agent-login-control: an agent's id "
        'serves as the place, and tenant "Environment" has no place kim',
    ),
    case(
        "A node calls what is made to be called",
        ESP,
        {
            "applications.ixn1": 'connections = ["switch"]',
            "applications.ixn2": 'connections = ["switch"]',
        },
        'line 20: [applications.ixn1] connections: "switch" is left out: an application of type '
        '"T-Server" is not called',
        'line 36: [applications.ixn2] connections: "switch" is left out: an application of type '
        '"T-Server" is not called',
    ),
    case(
        "An ESP server has an endpoint to connect to",
        ESP,
        {
            "applications.esp": 'type = "Third Party Server"',
            "applications.ixn1": 'connections = ["esp"]',
            "applications.ixn2": 'connections = ["esp"]',
        },
        'line 20: [applications.ixn1] connections: "esp" is left out: it has no endpoint to '
        "connect to",
        'line 36: [applications.ixn2] connections: "esp" is left out: it has no endpoint to '
        "connect to",
    ),
    case(
        "Nodes of a tenant and media type have the same ESP servers",
        ESP,
        {
            "applications.esp": 'type = "Third Party Server"\nendpoint = "tcp:10.0.0.9:1"',
            "applications.ixn1": 'connections = ["esp"]',
        },
        "line 35: [applications.ixn2] connections: the guide asks for the same ESP servers "
        'on all nodes of a tenant and media type ("Environment", "email"); missing: esp',
    ),
    case(
        "An enabled media type has a node",
        "design 10, advice",
        {
            "tenants.Branch.media-types": "sms = {}",
            "applications.ixn1.options.cluster-settings": 'media-types = "email"',
        },
        "line 17: [tenants.Branch.media-types.sms]: no node takes this media type: submits "
        "of it are refused with code 2001",
    ),
    case(
        "A media type has a node that takes submits",
        "design 7, candidates",
        {"applications.ixn1.options.cluster-settings": "enable-submit = false"},
        "line 17: [tenants.Branch.media-types.email]: every node that takes this media type "
        "has enable-submit off",
    ),
    case(
        "A node does not wait for a disabled media type",
        "guide, Disabled Media Type",
        {"applications.ixn2.options.cluster-settings": 'media-types = "email, chat, fax"'},
        'line 45: [applications.ixn2.options.cluster-settings] media-types: media type "fax" '
        "is disabled for all tenants of this node",
    ),
    case(
        "Both servers of a pair speak TLS, or none",
        SECURITY,
        {
            "applications.media.tls": 'certificate = "a.pem"\nprivate-key = "a.key"',
        },
        'line 91: [applications.media-b] tls: only one of "media" and "media-b" has a tls table',
    ),
    case(
        "A pair on SQLite is on one host",
        "design 8, pairs",
        {"applications.ixn1-b": 'endpoint = "tcp:10.0.0.8:7111"'},
        "line 32: [applications.ixn1-b] endpoint: both servers of a pair on SQLite run on "
        'one host, for they share the file; their endpoints say "10.0.0.1" and "10.0.0.8"',
    ),
    case(
        "The smallest share of seats is the cluster's capacity",
        LICENCES,
        {
            "licences": "agent-seats = 50",
            "applications.ixn1.options.licences": "ics_multi_media_agent_seat = 30",
            "applications.ixn2.options.licences": "ics_multi_media_agent_seat = 30",
        },
        "line 98: [licences] agent-seats: given out in the order of dbid: ixn1 30, ixn2 20; "
        "agents log in on every node, so at most 20 agents can be logged in at a time",
    ),
    case(
        "The smallest number of seats is the cluster's capacity",
        LICENCES,
        {
            "applications.ixn1.options.licences": "ics_multi_media_agent_seat = 30",
            "applications.ixn2.options.licences": "ics_multi_media_agent_seat = 0",
        },
        "line 100: [applications.ixn2.options.licences] ics_multi_media_agent_seat: agents "
        "log in on every node, and this is the smallest number: whatever other nodes have, "
        "no agent can be logged in at a time",
    ),
    case(
        "Every node asks for a number of seats",
        LICENCES,
        {"licences": "agent-seats = 100"},
        "line 27: [applications.ixn1.options.licences] ics_multi_media_agent_seat: expected "
        "a number: without one this node has all 100 seats that are left, and ixn2 none",
        "line 98: [licences] agent-seats: given out in the order of dbid: ixn1 100, ixn2 0; "
        "agents log in on every node, so no agent can be logged in at a time",
    ),
    case(
        "Who listens everywhere has TLS",
        SECURITY,
        {"applications.ixn1": 'listen = "tcp:7101"'},
        "line 23: [applications.ixn1] listen: listens on every address of its host, and "
        "without TLS: whoever reaches the port can read and send; name an interface, or a "
        "certificate",
    ),
    case(
        "An endpoint leads to other hosts",
        "design 10, addresses",
        {"applications.ixn1": 'endpoint = "tcp:127.0.0.1:7101"'},
        "line 24: [applications.ixn1] endpoint: it leads nowhere but to the host that it is "
        'used on, and "proxy1", which connects to it, is reached at another',
        "line 32: [applications.ixn1-b] endpoint: both servers of a pair on SQLite run on "
        'one host, for they share the file; their endpoints say "127.0.0.1" and "10.0.0.1"',
    ),
    case(
        "Keep-alive is on",
        "design 5, keep-alive",
        {"applications.proxy1.options.settings": "keep-alive-interval = 0"},
        "line 98: [applications.proxy1.options.settings] keep-alive-interval: 0: a peer that "
        "vanished without a word is never found, nor what it held",
    ),
    case(
        "A pull has time to ask every node",
        "guide, Timeout for Pull for Strategy",
        {"applications.proxy1.options.settings": "pull-hold-timeout = 20"},
        "line 98: [applications.proxy1.options.settings] pull-hold-timeout: the guide "
        "advises a low value: 2 nodes may hold a pull for 20 seconds each, one after the "
        "other, and request-timeout is 30",
    ),
    case(
        "Nodes take as many clients as a proxy does",
        "design 7, limits",
        {"applications.proxy1.options.settings": "max-clients = 60_000"},
        "line 98: [applications.proxy1.options.settings] max-clients: expected at most "
        '50000, the max-current-clients of "ixn1": it refuses further ones, and so does the '
        "proxy",
    ),
    case(
        "Every node is a home of ids",
        "guide, Duplicate Interaction IDs",
        {
            "applications.proxy1.routing": 'use = "hash-of-id"\nnodes = ["ixn1"]',
            "applications.proxy2.routing": 'use = "hash-of-id"',
            "applications.media.routing": 'use = "hash-of-id"',
        },
        "line 99: [applications.proxy1.routing] nodes: no interaction that brings its own id "
        "goes to ixn2; leave nodes out, and all nodes are named that the proxy connects to",
    ),
    case(
        "All proxies let equal ids meet",
        "guide, Duplicate Interaction IDs",
        {
            "applications.proxy1.routing": 'use = "hash-of-id"',
            "applications.proxy2.routing": 'use = "hash-of-id"',
            "applications.media.routing": 'use = "least-backlog"',
        },
        "line 102: [applications.media.routing] use: equal ids meet on one node only if all "
        'proxies use hash-of-id: "proxy1" does, and this one uses "least-backlog" for the '
        "same nodes",
    ),
    case(
        "An index helps an order",
        VIEWS,
        {
            "tenants.Environment.queues.Inbound.views.All": 'order = "_age() DESC"',
        },
        "line 10: [tenants.Environment.queues.Inbound.views.All] order: term 1 is a "
        "calculation; all rows of the queue are sorted for each pull",
    ),
    case(
        "An index helps a condition",
        VIEWS,
        {
            "tenants.Environment.queues.Inbound.views.All": 'condition = "_age() > 60"',
        },
        "line 10: [tenants.Environment.queues.Inbound.views.All] condition: a calculation "
        "with a property (received_at); rows are read until enough match",
    ),
)
