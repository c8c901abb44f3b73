What clients and nodes can make grow by reporting, topics and invitations is limited, and named in [Overload](overload.md): a server
has 100 reporting streams unlike all others, an agent 1,000 invitations, an invitation an extension of 16 KiB, a composed source
250,000 agents.
