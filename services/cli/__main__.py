"""The `pixo` command line: find the command, run it, turn errors into one line and an exit code."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from pixo import __version__
from pixo.errors import ConfigError, PixoError, Refusal
from services.cli.hints import hint

COMMANDS = {
    "up": "start everything on this machine",
    "submit": "process images on a server and fetch the results",
    "jobs": "list jobs",
    "watch": "follow a job to its end",
    "workers": "list workers, dead ones included",
    "top": "show workers, lag, throughput and jobs, live",
    "verify": "recompute a finished job here and compare",
    "filters": "list filters and their parameters",
    "apply": "process an image here, without a server",
    "demo": "paint a large picture and process it on a server",
    "topics": "create or grow the Kafka topics",
    "dead-letters": "list what could not be processed, and replay it",
    "bench": "measure against other tools (in a checkout)",
    "version": "print the version",
}

FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


def main(words: Sequence[str] | None = None) -> int:
    """Run the command in the words (those of this process) and return its exit code."""
    words = sys.argv[1:] if words is None else words
    if not words or words[0] not in COMMANDS:
        _overview().parse_args(words)
        return USAGE
    name, *rest = words
    with suppress(AttributeError):  # not where somebody has put another object there
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    # Where a command sets up no logs, Python would print warnings without their fields; the error says what matters.
    logging.getLogger("pixo").addHandler(logging.NullHandler())
    try:
        command = importlib.import_module(f"services.cli.{name.replace('-', '_')}")  # a second, and Ctrl-C may come
        parser = argparse.ArgumentParser(prog=f"pixo {name}", description=command.__doc__)
        command.arguments(parser)
        code = int(command.run(parser.parse_args(rest), os.environ))
        sys.stdout.flush()  # what cannot be written shows here, not behind our back at the end
    except PixoError as error:
        moved = hint(error.setting) if isinstance(error, Refusal) else ""
        print(f"pixo {name}: {error}{moved}", file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else FAILED
    except KeyboardInterrupt:
        print(f"pixo {name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`) has enough; Python would complain once more when it flushes at its end.
        _let_go_of_stdout()
        return PIPE_CLOSED
    except OSError as error:
        _let_go_of_stdout()
        print(f"pixo {name}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    return code


def _let_go_of_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview() -> argparse.ArgumentParser:
    """Return the parser that knows all commands by name only."""
    parser = argparse.ArgumentParser(prog="pixo", description="Filter images of any size by tiles.")
    parser.add_argument("--version", action="version", version=f"pixo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, what in COMMANDS.items():
        commands.add_parser(name, help=what, add_help=False)
    parser.epilog = "See pixo COMMAND --help."
    return parser


if __name__ == "__main__":
    sys.exit(main())
