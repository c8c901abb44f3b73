"""What the tables of capture points may not say, and what they had better not."""

from __future__ import annotations

from tests.config_cases import Case, case

DESIGN = "design 8, capture points"
PLUGINS = "design 9, plug-ins"
GUIDE = "guide, Capture Points"
FILE = (
    'name = "mail"\n'
    'use = "file"\n'
    'inbound-path = "/in"\n'
    'error-path = "/bad"\n'
    'default-values = { MediaType = "email" }'
)
OTHER_FILE = FILE.replace('"mail"', '"more"').replace("/in", "/bad/../in/")
WEB = (
    'name = "calls"\n'
    'use = "webservice"\n'
    'listen = "tcp:{port}:interface=10.0.0.1"\n'
    'default-values = {{ MediaType = "email" }}'
)
CALLS = WEB.format(port=8080)
POINT = "[applications.ixn1.capture]"


def beside(more: str) -> dict[str, str]:
    """A good table, and what spoils it, or is spoilt."""
    return {POINT: f"{FILE}\n{more}"}


MISTAKES_OF_CAPTURE: tuple[Case, ...] = (
    case(
        "Capture points of a node have different names",
        DESIGN,
        {POINT: f"{FILE}\n[{POINT}]\n{FILE}"},
        "line 104: [applications.ixn1.capture#2] name: another capture point of this node is "
        'named "mail" already',
    ),
    case(
        "A capture point's name is a word",
        DESIGN,
        {POINT: FILE.replace('"mail"', '"mail in"')},
        'line 98: [applications.ixn1.capture#1] name: the text "mail in": expected a letter, and '
        "then letters, digits, hyphens and underscores, 64 characters at most",
    ),
    case(
        "A notification is one that there is",
        DESIGN,
        beside('notifications = ["stoped"]'),
        'line 103: [applications.ixn1.capture#1] notifications: the text "stoped": expected one '
        "of assigned, changed, held, placed-in-queue, placed-in-workbin, resumed, "
        'route-requested, stopped; did you mean "stopped"?',
    ),
    case(
        "A capture point works for a tenant of its node",
        DESIGN,
        beside('tenant = "Envronment"'),
        'line 103: [applications.ixn1.capture#1] tenant: this node has no tenant "Envronment"; did '
        'you mean "Environment"?',
    ),
    case(
        "Its queue is there",
        DESIGN,
        beside('queue = "Inbond"'),
        'line 103: [applications.ixn1.capture#1] queue: none of its tenants has a queue "Inbond"'
        '; did you mean "Inbound"?',
    ),
    case(
        "Its queue is named once",
        DESIGN,
        {POINT: FILE.replace("MediaType", 'Queue = "Inbound", MediaType') + '\nqueue = "Inbound"'},
        "line 102: [applications.ixn1.capture#1.default-values] Queue: the capture point has a "
        "key queue already",
    ),
    case(
        "A default value is one that a property can have",
        DESIGN,
        {POINT: FILE.replace("MediaType", 'Priority = "high", MediaType')},
        "line 102: [applications.ixn1.capture#1.default-values] Priority: Priority is 'high', "
        "expected a whole number of 64 bits",
    ),
    case(
        "A default value is one that a document can have",
        DESIGN,
        {POINT: FILE.replace("MediaType", "Weight = 1.5, MediaType")},
        "line 102: [applications.ixn1.capture#1.default-values] Weight: expected a text, a whole "
        "number, true or false, or a table, not the number 1.5",
    ),
    case(
        "A default value is one that a submit may have",
        DESIGN,
        {POINT: FILE.replace("MediaType", 'SubmittedBy = "x", MediaType')},
        "line 102: [applications.ixn1.capture#1.default-values] SubmittedBy: only the server "
        "itself sets SubmittedBy, so every submit would be refused with 3046",
    ),
    case(
        "A web service has a port of its own",
        DESIGN,
        {POINT: WEB.format(port=7101)},
        'line 100: [applications.ixn1.capture#1] listen: "ixn1" listens on this address of the '
        "same host already",
    ),
    case(
        "Two web services of one host have two ports",
        DESIGN,
        {POINT: f"{CALLS}\n[{POINT}]\n{CALLS.replace('calls', 'more')}"},
        'line 105: [applications.ixn1.capture#2] listen: "calls" of "ixn1" listens on this '
        "address of the same host already",
    ),
    case(
        "A capture point has what its plug-in needs",
        PLUGINS,
        {POINT: FILE.replace('error-path = "/bad"', 'error-path = "bad"')},
        "line 101: [applications.ixn1.capture#1] error-path: expected the absolute path of a "
        "directory, not 'bad'",
    ),
)
DOUBTS_OF_CAPTURE: tuple[Case, ...] = (
    case(
        "Names of capture points are short",
        "design 8, capture points",
        {POINT: FILE.replace('"mail"', '"mail-of-the-branch"')},
        "line 98: [applications.ixn1.capture#1] name: the field's names of capture points have "
        "at most 16 characters, and this one has 18",
    ),
    case(
        "A default value has an effect",
        DESIGN,
        {
            "applications.ixn1.options.settings": "ignore-read-only-on-submit = true",
            POINT: FILE.replace("MediaType", 'SubmittedBy = "x", MediaType'),
        },
        "line 103: [applications.ixn1.capture#1.default-values] SubmittedBy: only the server "
        "itself sets SubmittedBy: ignore-read-only-on-submit has it left out",
    ),
    case(
        "What names no media type has one that there is",
        DESIGN,
        {POINT: FILE.replace('"email"', '"letter"')},
        "line 102: [applications.ixn1.capture#1.default-values] MediaType: none of its tenants "
        'has the media type "letter", which a submit has that names none: it will be refused',
    ),
    case(
        "Without a default, that is a work item",
        DESIGN,
        {POINT: FILE.replace('default-values = { MediaType = "email" }', "")},
        "line 97: [applications.ixn1.capture#1]: none of its tenants has the media type "
        '"workitem", which a submit has that names none: it will be refused',
    ),
    case(
        "Those of one node do, too",
        GUIDE,
        {POINT: f"{FILE}\n[{POINT}]\n{OTHER_FILE}"},
        "line 106: [applications.ixn1.capture#2] inbound-path: the guide has file capture "
        'points watch different directories, and "ixn1" watches this one already',
    ),
    case(
        "File capture points watch different directories",
        GUIDE,
        {POINT: FILE, "[applications.ixn2.capture]": FILE},
        "line 106: [applications.ixn2.capture#1] inbound-path: the guide has file capture "
        'points watch different directories, and "ixn1" watches this one already',
    ),
)
