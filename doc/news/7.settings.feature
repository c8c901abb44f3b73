Whoever writes a key of a capture point, strategy or policy that is nearly one, or that was called so before, is told by
`ixctl check-config` which one was meant.
