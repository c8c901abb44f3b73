"""
A node that writes its figures into a file, and is otherwise as its file has it.

usage: serve_plain.py FILE NAME STATISTICS
"""

from __future__ import annotations

from bench import serve_node

if __name__ == "__main__":
    serve_node.main(consumer=False)
