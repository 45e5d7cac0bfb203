"""HMLR on the command line: `python main.py --help`."""

import sys

from hmlr.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
