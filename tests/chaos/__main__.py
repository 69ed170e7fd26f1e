"""The long forms: ``python -m tests.chaos storm`` (make chaos) and ``soak`` (make soak), on a real Apache Kafka."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.chaos import brokers
from tests.chaos.figures import Figures, table
from tests.chaos.installation import Installation
from tests.chaos.parts import Part
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.chaos.soak import GROWTH, SETTLED, Soak, load, serving
from tests.chaos.storm import storm

MIB = 1 << 20


@contextmanager
def running(given: argparse.Namespace, name: str) -> Iterator[tuple[Run, Part, Pictures]]:
    """Give a run on parts of its own, and print its figures at the end; the logs are kept when it fails."""
    folder = Path(tempfile.mkdtemp(prefix=f"pixo-{name}-"))
    kafka, address = brokers.single(folder / "kafka", given.session)
    pictures = Pictures(folder)
    rows: list[Figures] = []
    options = {"PIXO_KAFKA_GROUP_PROTOCOL": given.protocol}
    made = Installation(folder / "pixo", address, workers=given.workers, results=given.results, environ=options)
    print(f"logs and data: {folder}", flush=True)
    kafka.up()
    try:
        with closing(made):
            made.start()
            with Run(made, pictures, rows.append, name) as run:
                yield run, kafka, pictures
    finally:
        kafka.stop()
        print("\n".join(table(rows)))


def main() -> int:
    """Run one of the two; 0 when all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    storming = commands.add_parser("storm", help="kill something at random again and again while jobs are done")
    storming.add_argument("--jobs", type=int, default=1000)
    storming.add_argument("--seed", type=int, default=7)
    storming.add_argument("--period", type=float, default=2.0, help="seconds between two kills")
    storming.add_argument("--clients", type=int, default=32, help="jobs that are followed at once")
    soaking = commands.add_parser("soak", help="full load; the memory of each role")
    soaking.add_argument("--minutes", type=float, default=15.0)
    for command in (storming, soaking):
        command.add_argument("--workers", type=int, default=3)
        command.add_argument("--results", type=int, default=1)
        command.add_argument("--protocol", choices=["classic", "consumer"], default="consumer")
        command.add_argument("--session", type=float, help="of protocol consumer, in seconds")
    # Everything lives for 16 s on average: with sessions of 10 s most partitions would belong to the dead.
    storming.set_defaults(session=3.0)
    given = parser.parse_args()
    with running(given, given.command) as (run, kafka, pictures):
        return _storm(run, kafka, pictures, given) if given.command == "storm" else _soak(run, pictures, given)


def _storm(run: Run, kafka: Part, pictures: Pictures, given: argparse.Namespace) -> int:
    outcomes, kills = storm(
        run, kafka, pictures, jobs=given.jobs, seed=given.seed, period=given.period, clients=given.clients
    )
    print(f"kills: {dict(kills.most_common())}")
    print(f"outcomes: {dict(outcomes)}")
    for job, error in run.errors.items():
        print(f"  {job}: {error}")
    return 0 if set(outcomes) == {"right"} else 1


def _soak(run: Run, pictures: Pictures, given: argparse.Namespace) -> int:
    pixo = run.installation
    with Soak(lambda: serving(pixo)) as soak:
        outcomes = load(run, pictures.mixed(), given.minutes * 60)
    run.settle(note=f"{given.minutes:g} minutes; {outcomes}")
    grown = soak.growth(min(SETTLED, given.minutes * 60 / 3))
    for one in grown:
        print(f"{one.name:12} {one.settled / MIB:7.1f} MiB settled, {one.end / MIB:7.1f} at the end, {one.share:+.1%}")
    # Valkey holds every job until it expires: its growth is the jobs', not a leak.
    roles = [one for one in grown if one.name != "valkey"]
    return 0 if set(outcomes) == {"right"} and all(one.share <= GROWTH for one in roles) else 1


if __name__ == "__main__":
    sys.exit(main())
