"""Create the Kafka topics, or add partitions where they have too few; the settings are PIXO_* variables."""

import argparse
import contextlib
import time
from collections.abc import Mapping, Sequence

from pixo import broker
from pixo.broker import Admin
from pixo.errors import TryAgain
from pixo.settings import load
from pixo.topics import Topic, specs
from services.cli import output


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=["ensure"], help="create or grow")
    parser.add_argument("--wait", type=float, default=60.0, metavar="S", help="seconds for Kafka to come (default 60)")
    output.json_option(parser)


def run(given: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Make them and print how many partitions each has."""
    settings = load(environ)
    wanted = specs(settings.kafka)
    deadline = time.monotonic() + given.wait
    with contextlib.closing(broker.open(settings.kafka, "pixo-topics")) as kafka:
        admin = kafka.admin()
        while not _ensured(admin, settings.kafka.kafka, wanted, last=time.monotonic() > deadline):
            time.sleep(1)
        partitions = {topic.name: admin.partitions(topic.name) for topic in wanted}
    if given.json:
        output.document({"topics": partitions})
    else:
        output.table(("TOPIC", "PARTITIONS"), list(partitions.items()))
    return 0


def _ensured(admin: Admin, address: str, wanted: Sequence[Topic], *, last: bool) -> bool:
    try:
        admin.ensure(wanted)
    except TryAgain as error:
        if last:
            raise TryAgain("kafka", f"Kafka at {address} is out of reach: {error}") from error
        return False
    return True
