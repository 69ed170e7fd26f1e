"""The short form of `make chaos` (scenario 12)."""

from collections.abc import Callable, Iterator

import pytest

from tests.chaos import brokers
from tests.chaos.installation import Installation
from tests.chaos.parts import Part
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.chaos.storm import storm

KILLS = 20
MOST = 3 * KILLS
"""Where the machine is slow, what was killed is hardly back before it is killed again: some peace lets jobs end."""
SESSION = 3.0
"""As in the long form. Those of 10 s begin anew whenever the broker does: partitions belong to the dead for minutes."""


@pytest.fixture
def kafka(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Part, str]]:
    """Give a broker of the storm's own, that misses the dead soon, and its address."""
    part, address = brokers.single(tmp_path_factory.mktemp("kafka"), SESSION)
    part.up()
    yield part, address
    part.stop()


@pytest.fixture
def pixo(kafka: tuple[Part, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation of the storm's own: a client of Kafka that is not what it was ends its process later."""
    # Whose sessions are the broker's: those of protocol `classic` are 10 s.
    options = {"PIXO_KAFKA_GROUP_PROTOCOL": "consumer"}
    made = Installation(tmp_path_factory.mktemp("pixo"), kafka[1], environ=options)
    made.start()
    yield made
    print(made.tails())  # noqa: T201 - pytest shows it when the test fails
    made.close()


def test_storm(
    pixo: Installation, begin_run: Callable[[Installation], Run], pictures: Pictures, kafka: tuple[Part, str]
) -> None:
    """Jobs of mixed sizes and formats while something is killed every two seconds: all are right."""
    run = begin_run(pixo)
    outcomes, kills = storm(run, kafka[0], pictures, jobs=40, seed=7, period=2.0, wanted=KILLS, most=MOST)

    assert set(outcomes) == {"right"}, (outcomes, run.errors)
    assert len(kills) >= 5, "the storm met most parts"
