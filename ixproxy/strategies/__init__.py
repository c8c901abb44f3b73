"""The built-in strategies and policies; each module has a `make(settings)` for its plug-in."""
