"""
Capture points: the work comes in from where it is, and what becomes of it is told there.

Theory of operation: a *capture point* (`ixproxy.interfaces_capture.ICapturePoint`)
knows one outside: a directory, a queue, a table. It makes *documents* of what
it finds, hands them to the *intake* that its node has given it, and lets the
outside forget them only once they are taken, which is after the node's commit.
What the node has to tell comes the other way, from the outbox.
"""
