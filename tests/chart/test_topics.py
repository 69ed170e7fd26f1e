"""The Job that makes the topics."""

from tests.chart.rendering import Object, render


def job(*sets: str) -> Object:
    """Give the Job."""
    (found,) = [each for each in render(None, *sets) if each["kind"] == "Job"]
    return found


def test_a_changed_job_has_another_name() -> None:
    """A Job cannot be changed, so whatever changes in it changes its name, and nothing else does."""
    names = [
        job(*sets)["metadata"]["name"]
        for sets in (
            (),
            ("kafka.topics.tasks.partitions=12",),
            ("kafka.topics.prefix=x.",),
            ("image.tag=v2",),
            ("podSecurityContext.runAsUser=7",),
            ("worker.replicaCount=2",),
        )
    ]

    assert len(set(names)) == 5
    assert names[0] == names[-1]


def test_no_hook_and_no_time_to_live() -> None:
    """Helm neither waits for it before the broker is there, nor waits in vain after it is gone."""
    found = job()

    assert "annotations" not in found["metadata"]
    assert "ttlSecondsAfterFinished" not in found["spec"]
    assert found["spec"]["activeDeadlineSeconds"] > 600


def test_the_job_runs_what_the_image_has() -> None:
    """It runs the monitor's image, in which the command is."""
    (container,) = job()["spec"]["template"]["spec"]["containers"]

    assert container["image"].startswith("pixo-monitor:")
    assert container["command"] == ["python", "-m", "pixo.topics"]


def test_the_roles_can_do_it_alone() -> None:
    """With provisioner `app` there is no Job and no policy for it."""
    objects = render(None, "kafka.topics.provisioner=app")
    assert not [each for each in objects if "topics" in each["metadata"]["name"]]
