"""The door: finds the verb, runs it, and turns whatever ends it into an exit code. Holds no rule of the domain, and
imports nothing but click before it knows the verb.
"""

import sys


def main() -> None:
    """The console script."""
    from declare.cli.run import run

    sys.exit(run(sys.argv[1:]))
