"""The web role, killed at each step of taking a picture (scenarios 41-43)."""

from pathlib import Path

from tests.chaos.parts import Keeper, restart
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run
from tests.waiting import until

TAKING = ("web.after-source", "web.after-record", "web.after-list", "web.after-create")
STARTING = ("dispatch.after-claim", "dispatch.after-start", "dispatch.while-publishing")


def test_killed_at_each_step(run: Run, pictures: Pictures, tmp_path: Path) -> None:
    """Killed at each step from the upload to the last task, it loses no job that it took, and makes none twice."""
    pixo = run.installation
    points = (*TAKING, *STARTING)
    before = pixo.state.queue.size()
    restart({pixo.web: ",".join(f"{point}:kill@once={tmp_path / point}" for point in points)})
    with Keeper([pixo.web]):
        for number in range(len(STARTING) + 1):
            run.submit(pictures.kind(800, 600 + 16 * number, filters="invert", tile_size="128"))
        until(lambda: len(list(tmp_path.iterdir())) == len(points), "each has struck")
        run.finish()

    assert pixo.state.queue.size() == before + len(run.kinds), "one job a key, however often it was sent"
