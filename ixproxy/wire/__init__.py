"""Bytes to words and back: frames, prefix, codec, names table; splices, parts and sort keys."""
