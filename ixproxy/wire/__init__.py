"""Bytes to words and back: frames, the prefix, the codec and the names table."""
