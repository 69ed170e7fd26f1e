"""Create the Kafka topics, or add partitions where they have too few; the settings are PIXO_* variables."""

import argparse
import contextlib
from collections.abc import Mapping

from pixo import broker, output
from pixo.errors import TryAgain
from pixo.settings import load
from pixo.topics import specs
from pixo.topics.ensuring import ensure


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=["ensure"], help="create or grow")
    parser.add_argument("--wait", type=float, default=60.0, metavar="S", help="seconds to wait for Kafka (default 60)")
    output.json_option(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Make them and print how many partitions each has."""
    settings = load(environ)
    with contextlib.closing(broker.open(settings.kafka, "pixo-topics")) as kafka:
        try:
            partitions = ensure(kafka.admin(), specs(settings.kafka), given.wait)
        except TryAgain as error:
            raise TryAgain("kafka", f"Kafka at {settings.kafka.kafka} is out of reach: {error}") from error
    if given.json:
        output.document({"topics": partitions})
    else:
        output.table(("TOPIC", "PARTITIONS"), list(partitions.items()))
    return 0
