"""The face and the wiring: Slack, the command line, the store and the desk between them."""

__version__ = "0.1.0"
"""Said here and nowhere else: pyproject.toml reads it, and an image has no metadata of a package."""
