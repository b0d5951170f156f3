"""``python -m wgreconcile`` is ``wgreconcile``."""

import sys

from wgreconcile.cli.main import main

sys.exit(main())
