"""The short form of `make chaos` (scenario 12)."""

from tests.chaos.parts import Part, end
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.chaos.storm import storm

KILLS = 20


def test_storm(run: Run, pictures: Pictures, kafka: tuple[Part, str]) -> None:
    """Jobs of mixed sizes and formats while something is killed every two seconds: all are right."""
    outcomes, kills = storm(run, kafka[0], pictures, jobs=40, seed=7, period=2.0, wanted=KILLS)

    assert set(outcomes) == {"right"}, (outcomes, run.errors)
    assert len(kills) >= 5, "the storm met most parts"
    # A client of Kafka that is not what it was ends its process half a minute later: not in the scenario that follows.
    end(run.installation.roles)
