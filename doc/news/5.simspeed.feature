The simulator takes less time for a seed: what comes to rest is waited for no longer than it can
take, and there are fewer pieces on the way. A node no longer asks its database for due timers when
it knows that there are none.
