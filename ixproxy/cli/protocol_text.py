"""The prose of the protocol page; what tables know is filled in where a `$name` stands."""

from __future__ import annotations

from string import Template

TEXT = Template("""\
# Protocol

This page is all that a client in any language needs. It is generated from the tables that the
programs themselves use (`make protocol`), so every number on it is what is sent.

One TCP connection, plain or TLS, carries **frames** both ways. Nodes and proxies speak the same
protocol: a client that works with one works with the other. All numbers are big endian.

## Frames

$layout

The four strings follow in the order of their lengths, each UTF-8 of at most 255 bytes, then the
body: one [MessagePack](https://msgpack.org) map whose keys are attribute names (the single byte
`80` when there is none). Reserved bytes are sent as 0 and not looked at.

Routing attributes stand in the prefix and only there: which attribute each string carries is said
with each message below, and an attribute that belongs into the prefix is refused in a body. A hop
that forwards a frame rewrites `client` and `reference`, eight bytes, and need not look further.

### Kinds

$kinds

### Flags

$flags

### Bodies

$types

Attributes that a server does not know are ignored by it and passed on as they are; so are unknown
keys of `Extension`. An attribute that is left out has its default. No key of a body occurs twice,
for hops would differ in what it means: where one must be looked for, the request is refused. A
body has at most $depth levels of maps and lists, itself the first. Keys of key-value lists are
strings, their values strings, numbers, bytes, true, false, nil, and lists and maps of these.
Numbers of messages are never used for anything else; a client passes over an event whose number
it does not know.

## A connection's life

**First bytes.** The fifth byte of each frame is `E1`: the upper half is the magic, which neither
TLS nor text has there, the lower half the version. Another version is answered with an error
frame of version 1 to client 0 and reference 0, then the connection is closed. Any other byte
closes it, answered or not.

**Registration.** The first request is [RequestRegisterClient](#requestregisterclient); all others
are refused with 3010 until it is answered, and a connection that does not register in time is
closed. The server picks one of `Versions`. `MaxFrame` is what each side takes, counted as the
length field counts; a client whose maximum is below the greatest user data and 64 KiB is refused,
and before it has read the server's in the answer a client sends no frame above 64 KiB. No server
of this version offers a compression in `Features`: a frame with flag 16 is refused.

A peer of type `Proxy` registers itself first (client 0) and then each of its clients, which get
numbers of their own in `ProxyClientId`; that number stands in the prefix of everything sent for
them. Any other peer is client 0, always. `Path` names the proxies between client and server; a
proxy that finds itself there refuses with 3014.

Client types: $client_types.

**Sessions.** A client session is a client's own lasting name: 16 random bytes that it chooses
once and keeps to itself. `Incarnation` goes up with every connection that the session makes. A
server binds a session to its newest registration. A registration with a lower incarnation than
the bound one, and every later frame on an older binding, is answered 3009 (superseded): nothing
is done, and the session is not touched. A client without a session has one only as long as its
connection.

**Holdings.** What a client takes (by a pull, an accept, an intrusion, an agent's submit) it
*holds* until it gives it back. The answer that hands an interaction over carries its *take
number*. A client that comes back lists in `Holding` what it still has, each id with its take
number. What the server has for the session and is not listed goes back to its place, in its old
order. `Held` in the answer says what the session really has; a listed interaction that is not in
it is lost to the client, which gets EventRevoked for it. When the outcome of a take is in doubt,
the client does not list it; when that of a giving back is in doubt, it goes on listing it. A
session that does not come back within `agent-session-restore-timeout` (60 s unless configured)
holds nothing. RequestUnregisterClient gives everything back at once.

**Keep-alive.** Either side may ping (kind 6) and gets a pong (kind 7) with the same client and
reference. A side that has heard nothing for its interval (10 s unless configured) pings, and
closes after its limit (30 s).

## Requests and answers

**One answer.** Every request without flag 1 gets exactly one answer: a reply or an error with its
client and reference. A reference must not be used again before its answer has come; a client
skips those in use when its counter wraps. With flag 1 there is no answer, not even an error; a
pull must not have it.

**Order.** For one client on one connection, answers and events come in the order in which each
node committed the changes. The requester's answer comes before the events of the same change.
Requests that were sent without waiting may be answered in another order, since they may go to
different nodes.

**Time.** `ttl` is how many milliseconds the requester still waits, counted by each hop from its
own receipt; 0 stands for the server's default. A hop that held a frame for 100 ms or more writes
what is left. A request whose time is over before it was sent on is answered 3001 (nothing done);
after that, 2002 (in doubt). A pull whose time is over is answered empty.

**Cancel.** A frame of kind 5 with a request's client and reference says that nobody waits for it.
It has no answer of its own. The request still gets its one: the usual one if it ran, 3002 if it
did not. What a cancelled pull took all the same is in its answer, or goes back by itself when
nobody is there to take it.

**Parts.** An answer that is longer than the receiver's maximum comes as several frames with the
same client and reference, flag 8 on all but the last. Each is a whole map. Attributes that merge
by *union* are maps whose keys follow one another from part to part; *or* and *add* say how flags
and counts become one; any other attribute stands in the first part that has it. An error reply
may come in the place of a part: it ends the answer and voids the parts before it. A registration
whose `Holding` is long is sent in the same way: whole requests with one reference and the same
identity, flag 8 and `HoldingContinues` on all but the last, and one answer after the last.

**Partial.** Flag 4 on an answer says that it lacks something: a node was down when it was asked,
or not every id of a pull was taken.

**Merged answers.** What several nodes answer is merged by the same columns. Order across nodes,
and limits that each node counts for itself, are the only differences from one server; the same id
from two nodes is error 2005.

## Bad bytes

A frame that is wrong is answered and does no other harm: the connection goes on with the next
one.

$bad_bytes

For a client behind a proxy, "is disconnected" means that its registration ends.

## Ids

An interaction id that a server makes has 16 characters, digits and upper-case letters (base 36):
six for the database id of the node that made it, four for that node's epoch, six for a counter.
`$example_id` is number 1 of the third start of node 101. The node in an id is a hint where to ask
first, no more: interactions move, and a client may give an id of its own choosing, of 1 to 255
bytes.

An event is named for ever by `Dbid` and `EventNumber`. An agent session is named by its stamp, a
pair of numbers of which the first decides which is newer.

## Errors

An error is known by its kind. *Nothing done*: the request has changed nothing, and may be sent
again. *In doubt*: it may have been carried out; `InDoubt` in the error says which of the two
holds this time.

$errors

## Exchanges

In these, `>` goes to the server and `<` comes from it; the first line of a frame is its prefix,
field by field. `ixctl decode` reads the same text.

$exchanges

## Requests

Route, merge policy and deadline say what a proxy does: see [Architecture](architecture.md). An
asterisk marks what is required; a request without it is refused (2 by a node, 2003 by a proxy).

$requests

## Extension keys

$extension_keys

## Structures

$structures

## Messages

`Extension` belongs to every message, `Reason` to every request and event, and `EventTime`,
`EventNumber`, `Dbid` and `Actor` to every event; they are not listed again.

$messages
""")
