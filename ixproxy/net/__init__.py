"""Sockets, clocks and threads: where effects meet the world."""
