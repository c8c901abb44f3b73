Nodes have capture points (`[[applications.X.capture]]`): documents of any number of operations, each done in one transaction with its
replies and its receipt, so that nothing is lost and nothing done twice; notifications of what others do with what a capture point has
submitted; default values, limits, live changes, and a place in `ixctl status`. A node's database becomes version 4 at the first start.
See `doc/capture-points.md`.
