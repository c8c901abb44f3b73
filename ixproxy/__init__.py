"""
An open Interaction Server cluster, in five words.

*Words*: values, messages, effects and interfaces that everything else speaks.
*Wire*: bytes to words and back; a pure codec and the table of public names.
*Minds*: `core` (the proxy) and `node` (a server of work items) decide; they
know no socket, no clock and no SQL. Words go in, effects come out.
*World*: `net`, `storage` and `client` are where effects meet sockets, clocks
and disks.
*Makers*: strategies, policies, capture points and stores are plug-ins, chosen
by name in the deployment file.

Imports point down through these floors only; `tests/test_house.py` checks it.
"""

__version__ = "0.1.0"
