"""What lives on a server: chom-host, the files it needs, and the code that installs them."""

from pathlib import Path

CHOM_HOST = Path(__file__).parent / "chom_host.py"
"""The one file that every server runs; its sha256 is checked on each connection."""
