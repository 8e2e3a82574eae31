"""``python -m entrypoints.dev``."""

import sys

from entrypoints.dev.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
