"""What a failed scenario tells of jobs that stand still: nobody sees it until one does."""

from tests.chaos.pictures import SLOW, Pictures
from tests.chaos.run import Run
from tests.chaos.story import tell


def test_story(run: Run, pictures: Pictures) -> None:
    """Each part, what each worker holds, the job's lanes, and how far the groups have come."""
    pixo = run.installation
    job = run.submit(pictures.kind(1600, 1200, filters=SLOW, tile_size="128"))
    run.begun(job)
    lines = tell(pixo, [job]).splitlines()
    run.finish()

    told = [line for line in lines if not line.startswith("  ")]
    assert [line.split(": pid ")[0] for line in told[: len(pixo.parts)]] == list(pixo.parts)
    assert sum("worker-1 holds [" in line for line in told) == 1
    (of_job,) = [line for line in told if line.startswith(f"{job}: ['processing', ")]
    assert "runs {'" in of_job
    assert [line.split(": {")[0] for line in told[-2:]] == [pixo.topics.tasks, pixo.topics.results]
