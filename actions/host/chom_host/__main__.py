"""The entry of the one file that this package is packed into; see actions/host/__init__.py."""

import sys

from chom_host.main import main

sys.exit(main(sys.argv[1:]))
