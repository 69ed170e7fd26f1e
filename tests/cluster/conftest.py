"""The cluster, and a release in it that the tests share."""

import os
from collections.abc import Iterator

import pytest

from tests.cluster import kit
from tests.cluster.release import Release


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """Give a running cluster with all images in it; PIXO_CLUSTER_KEEP leaves it running for the next time."""
    if not kit.KIT.is_dir():
        pytest.fail(f"there is no cluster kit at {kit.KIT}: set PIXO_CLUSTER_KIT to its folder")
    with kit.alone():
        try:
            kit.up()
            kit.load()
            yield
        finally:
            if not os.environ.get("PIXO_CLUSTER_KEEP"):
                kit.down()


@pytest.fixture(scope="session")
def pixo(cluster: None) -> Iterator[Release]:
    """Give an installation with the chart's own servers, ready."""
    release = Release("pixo-test")
    release.create_namespace()
    release.helm("install")
    yield release
    release.delete_namespace()
