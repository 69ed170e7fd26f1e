"""What the chart tells who has installed it."""

from tests.chart.rendering import CHART, helm


def notes(*sets: str) -> str:
    """Give the notes of a release named ``mine``, without a cluster."""
    words = ["install", "mine", str(CHART), "--namespace", "here", "--dry-run=client"]
    return helm(*words, *(word for one in sets for word in ("--set", one))).partition("NOTES:")[2]


def test_what_stays_is_named() -> None:
    """Volumes that outlive the release are told of, with the command that removes them; where none does, nothing is."""
    some = notes("kafka.persistence.whenDeleted=Delete", "redis.enabled=false", "externalRedis.host=r")
    gone = [f"{server}.persistence.whenDeleted=Delete" for server in ("kafka", "redis", "objectStore")]

    assert "keeps the volumes with images, jobs, topics;" in notes()
    assert "kubectl -n here delete pvc -l app.kubernetes.io/instance=mine\n" in notes()
    assert "keeps the volumes with images;" in some
    assert "delete pvc" not in notes(*gone)


def test_a_rollback_is_told_with_its_flag() -> None:
    """Without it, a rollback after `kubectl scale` stops half-way."""
    assert "helm rollback mine -n here --force-conflicts\n" in notes()
