"""``python -m pixo.letters``: what ``pixo dead-letters`` does, where there is no ``pixo``, as in the images."""

import argparse
import os
import sys

from pixo.errors import ConfigError, PixoError
from pixo.letters import command
from pixo.startup import EXIT_CONFIG, EXIT_FATAL


def main() -> int:
    """Run the command in this process's words."""
    parser = argparse.ArgumentParser(prog="python -m pixo.letters", description=command.__doc__)
    command.arguments(parser)
    try:
        return command.run(parser.parse_args(), os.environ)
    except PixoError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_FATAL


if __name__ == "__main__":
    sys.exit(main())
