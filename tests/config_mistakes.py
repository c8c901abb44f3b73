"""Mistakes that a deployment file has in its tables and in its servers: it is not used then."""

from __future__ import annotations

from tests.config_cases import Case, case

FILE = "design 10, the schema"
SERVERS = "design 10, applications"
BACKUP = "design 10, backups inherit"
CLUSTERS = "guide, Cluster Configuration"
TENANTS = "design 10, tenants"
TLS = "design 12, security"
TYPES = (
    '"Interaction Server", "Application Cluster", "Universal Routing Server",'
    ' "Third Party Server", "Chat Server", "E-mail Server", "Media Server", "SMS Server",'
    ' "Stat Server", "Interaction Concentrator", "Orchestration Server", "T-Server" and 5 more;'
    " only a backup that is named has none"
)

MISTAKES: tuple[Case, ...] = (
    case(
        "The file is TOML",
        FILE,
        {"applications.switch": "type ="},
        "line 96: (file): not TOML: Invalid value, in column 7",
    ),
    case(
        "A key is known",
        FILE,
        {"applications.ixn1": 'lisen = "tcp:1"'},
        'line 20: [applications.ixn1] lisen: unknown key; did you mean "listen"?',
    ),
    case(
        "A table is known",
        FILE,
        {"applications.ixn1.optoins": "x = 1"},
        'line 97: [applications.ixn1] optoins: unknown table; did you mean "options"?',
    ),
    case(
        "A key stands in its table",
        FILE,
        {"applications.ixn1": "pull-hold-timeout = 5"},
        "line 20: [applications.ixn1] pull-hold-timeout: unknown key; it belongs in "
        "[applications.ixn1.options.settings]",
    ),
    case(
        "What must be there is there",
        FILE,
        {"applications.ixn1": "-store"},
        "line 19: [applications.ixn1] store: missing; expected an address such as "
        '"sqlite:/var/lib/ixproxy/ixn1.db"',
    ),
    case(
        "A value has its type",
        FILE,
        {"applications.ixn1": 'dbid = "101"'},
        "line 21: [applications.ixn1] dbid: expected a whole number from 1 to 2176782335, "
        'not the text "101"',
    ),
    case(
        "A value is in its range",
        FILE,
        {"applications.proxy1.options.settings": "pull-hold-timeout = 601"},
        "line 98: [applications.proxy1.options.settings] pull-hold-timeout: the number 601 "
        "is out of range: expected a whole number of seconds from 1 to 600",
    ),
    case(
        "A value is one of a few words",
        FILE,
        {"applications.ixn1.options.settings": 'agent-login-control = "nothing"'},
        "line 28: [applications.ixn1.options.settings] agent-login-control: expected one of "
        '"none", "ignore", not the text "nothing"',
    ),
    case(
        "A list names each thing once",
        FILE,
        {"applications.ixn2.options.cluster-settings": 'media-types = "email, email"'},
        'line 45: [applications.ixn2.options.cluster-settings] media-types: the text "email" '
        "is named more than once",
    ),
    case(
        "A table is a table",
        FILE,
        {"tenants.Environment.media-types": "chat = 1"},
        "line 5: [tenants.Environment.media-types] chat: expected a table, not the number 1",
    ),
    case(
        "An array of tables is one",
        FILE,
        {"applications.ixn1": "capture = 1"},
        "line 20: [applications.ixn1] capture: expected an array of tables "
        "([[applications.ixn1.capture]]), not the number 1",
    ),
    case(
        "A tenant is a table",
        FILE,
        {"tenants": "Other = 1"},
        "line 98: [tenants] Other: expected a table, not the number 1",
    ),
    case(
        "A name can travel in a request",
        FILE,
        {'tenants.Environment.queues." Q "': ""},
        'line 97: [tenants.Environment.queues]  Q : the text " Q ": expected a name that is '
        "not empty and has no blanks at its ends",
    ),
    case(
        "An application's name can, too",
        FILE,
        {'applications." x "': 'type = "T-Server"'},
        'line 97: [applications]  x : the text " x ": expected a name that is not empty and '
        "has no blanks at its ends",
    ),
    case(
        "An application is a table",
        FILE,
        {"applications": "other = 1"},
        "line 98: [applications] other: expected a table, not the number 1",
    ),
    case(
        "An application says what it is",
        FILE,
        {"applications.switch": "-type"},
        f"line 95: [applications.switch] type: missing; expected one of {TYPES}",
    ),
    case(
        "It is of a known type",
        FILE,
        {"applications.switch": 'type = "T-Servr"'},
        "line 96: [applications.switch] type: expected the type of an application, not the "
        'text "T-Servr"; did you mean "T-Server"?',
    ),
    case(
        "A server has a known role",
        SERVERS,
        {"applications.proxy1": 'role = "proxi"'},
        'line 59: [applications.proxy1] role: expected one of "node", "proxy", not the text '
        '"proxi"; did you mean "proxy"?',
    ),
    case(
        "Tenants have ids of their own",
        TENANTS,
        {"tenants.Branch": "id = 1"},
        'line 15: [tenants.Branch] id: tenant "Environment" has this id already',
    ),
    case(
        "A dbid is one server's: it stands in ids",
        "design 7, ids",
        {"applications.ixn2": "dbid = 101"},
        'line 36: [applications.ixn2] dbid: "ixn1" has this dbid already; it stands in '
        "generated ids",
    ),
    case(
        "An endpoint is one server's",
        SERVERS,
        {"applications.ixn2": 'endpoint = "tcp:10.0.0.1:7101"'},
        'line 39: [applications.ixn2] endpoint: "ixn1" is reached by this endpoint already',
    ),
    case(
        "An address is one server's",
        SERVERS,
        {"applications.proxy2": 'listen = "tcp:7001:interface=10.0.0.3"'},
        'line 71: [applications.proxy2] listen: "proxy1" listens on this address of the same '
        "host already",
    ),
    case(
        "Others know how to reach a listener",
        SERVERS,
        {
            "applications.proxy1": 'listen = "tcp:0"\n-endpoint',
        },
        "line 57: [applications.proxy1] endpoint: expected an endpoint: how others reach "
        '"tcp:0" is not known',
    ),
    case(
        "An endpoint is somewhere to connect to",
        SERVERS,
        {"applications.ixn1": 'endpoint = "tcp:0.0.0.0:7101"'},
        'line 24: [applications.ixn1] endpoint: the text "tcp:0.0.0.0:7101": expected a host '
        "to connect to: 0.0.0.0 means every address of a listener",
    ),
    case(
        "Certificates stand in the tls table",
        TLS,
        {"applications.ixn1": 'listen = "ssl:7101:privateKey=k"'},
        'line 23: [applications.ixn1] listen: the text "ssl:7101:privateKey=k": expected the '
        'address only, such as "tcp:7001"; certificates stand in the tls table',
    ),
    case(
        "Each node has a database of its own",
        "guide, Cluster Deployment Overview",
        {"applications.ixn2": 'store = "sqlite:/srv/ixn1.db"'},
        'line 41: [applications.ixn2] store: "ixn1" keeps its state there already; each node '
        "has a database of its own",
    ),
    case(
        "A pair shares its database",
        "design 8, pairs",
        {"applications.ixn1": 'store = "sqlite::memory:"'},
        "line 26: [applications.ixn1] store: expected a database that a pair can share: "
        '"ixn1-b" could not see what is in the memory of this server',
    ),
    case(
        "A tenant is known",
        SERVERS,
        {"applications.ixn2": 'tenants = ["Enviroment"]'},
        'line 37: [applications.ixn2] tenants: no tenant "Enviroment"; did you mean "Environment"?',
    ),
    case(
        "A connection is known",
        SERVERS,
        {"applications.proxy1": 'connections = ["node"]'},
        'line 64: [applications.proxy1] connections: no application "node"; did you mean "nodes"?',
    ),
    case(
        "A node's media types are known",
        CLUSTERS,
        {"applications.ixn2.options.cluster-settings": 'media-types = "e-mail"'},
        "line 45: [applications.ixn2.options.cluster-settings] media-types: no tenant of "
        'this node has a media type "e-mail"; did you mean "email"?',
    ),
    case(
        "A node's completed queues are known",
        SERVERS,
        {"applications.ixn1.options.settings": 'completed-queues = "Done"'},
        "line 28: [applications.ixn1.options.settings] completed-queues: no tenant of this "
        'node has a queue "Done"; there are: Inbound',
    ),
    case(
        "A node connects to ESP servers only",
        SERVERS,
        {"applications.ixn1": 'connections = ["proxy1"]'},
        'line 20: [applications.ixn1] connections: expected ESP servers (type "Third Party '
        'Server"), and "proxy1" is none',
    ),
    case(
        "An ESP server is named by its primary",
        SERVERS,
        {
            "applications.esp": 'type = "Third Party Server"\nbackup = "esp-b"',
            "applications.esp-b": 'endpoint = "tcp:10.0.0.9:1"',
            "applications.ixn1": 'connections = ["esp-b"]',
        },
        'line 20: [applications.ixn1] connections: "esp-b" is the backup of "esp"; expected "esp"',
    ),
    case(
        "A peer is allowed what there is: types",
        TLS,
        {
            "[applications.ixn1.allow]": 'user = "kim"\nclient-types = ["MailServer"]',
        },
        'line 99: [applications.ixn1.allow#1] client-types: no client type "MailServer"; did '
        'you mean "MediaServer"?',
    ),
    case(
        "A peer is allowed what there is: tenants",
        TLS,
        {
            "[applications.ixn1.allow]": 'user = "kim"\ntenants = ["Brunch"]',
        },
        'line 99: [applications.ixn1.allow#1] tenants: no tenant "Brunch"; did you mean "Branch"?',
    ),
    case(
        "A backup is known",
        BACKUP,
        {"applications.ixn1": 'backup = "ixn1-c"'},
        'line 25: [applications.ixn1] backup: no application "ixn1-c"; did you mean "ixn1-b"?',
        f"line 30: [applications.ixn1-b] type: missing; expected one of {TYPES}",
    ),
    case(
        "A backup is another server",
        BACKUP,
        {"applications.ixn1": 'backup = "ixn1"'},
        "line 25: [applications.ixn1] backup: expected another application: it names itself",
        f"line 30: [applications.ixn1-b] type: missing; expected one of {TYPES}",
    ),
    case(
        "A backup has one primary",
        BACKUP,
        {"applications.ixn2": 'backup = "ixn1-b"'},
        'line 40: [applications.ixn2] backup: "ixn1-b" is the backup of "ixn1" already',
        f"line 47: [applications.ixn2-b] type: missing; expected one of {TYPES}",
    ),
    case(
        "A backup has no backup",
        BACKUP,
        {
            "applications.ixn1-b": 'backup = "spare"',
            "applications.spare": 'listen = "tcp:7121:interface=10.0.0.1"',
        },
        'line 31: [applications.ixn1-b] backup: a backup has no backup itself; "ixn1" names '
        "it as its own",
        f"line 98: [applications.spare] type: missing; expected one of {TYPES}",
    ),
    case(
        "A primary is no backup",
        BACKUP,
        {"applications.ixn2": 'backup = "ixn1"'},
        "line 40: [applications.ixn2] backup: expected an application without a backup "
        'itself, and "ixn1" has one',
        f"line 47: [applications.ixn2-b] type: missing; expected one of {TYPES}",
    ),
    case(
        "A backup says only what is its own",
        BACKUP,
        {"applications.ixn1-b": 'store = "sqlite:/srv/ixn1.db"'},
        'line 31: [applications.ixn1-b] store: a backup inherits this from "ixn1": expected '
        "it there only",
    ),
    case(
        "A backup is what its primary is",
        BACKUP,
        {"applications.ixn1-b": 'type = "T-Server"'},
        "line 31: [applications.ixn1-b] type: expected the same as that of its primary "
        '"ixn1": the text "Interaction Server"',
    ),
)
