"""How Sphinx builds these pages."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import ixproxy

project = "ixproxy"
author = "the ixproxy authors"
copyright = "2026, the ixproxy authors"
version = release = ixproxy.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "news"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {
    "description": "An open Interaction Server cluster",
    "fixed_sidebar": True,
    "page_width": "70em",
}
