"""When `pixo up` says that all have joined."""

import time
from contextlib import ExitStack, closing

import pytest

from pixo import state
from pixo.health import Health
from pixo.messages import Heartbeat
from pixo.metrics import expose
from pixo.settings import Redis
from services.standalone.joining import Joining


@pytest.fixture
def serve():
    """Give what answers /readyz for a role and gives its port."""
    with ExitStack() as stack:

        def ready(*, answer):
            health = Health({"joined": lambda: answer})
            return stack.enter_context(health.serve("127.0.0.1", 0, expose("monitor"))).port

        yield ready


@pytest.fixture
def shared(valkey_url):
    """Give the state."""
    with closing(state.open(Redis(redis=valkey_url))) as opened:
        yield opened


def beat(shared, id, started, partitions):
    """Record a worker."""
    shared.workers.beat(Heartbeat(id=id, role="worker", version="1", host="h", started=started, partitions=partitions))


def test_all_must_be_there(valkey_url, shared, serve):
    """A role that is not started, or says that it is not ready, is missing; then workers without partitions are."""
    now = time.time()
    health = {"web": serve(answer=True)}
    joining = Joining(["web", "worker-1"], health, ["worker-1"], Redis(redis=valkey_url), since=now)

    assert joining.missing() == ["worker-1"]
    health["worker-1"] = serve(answer="no partitions")
    assert joining.missing() == ["worker-1"]
    health["worker-1"] = serve(answer=True)
    beat(shared, "worker-1", now, [])
    assert joining.missing() == ["worker-1"]
    beat(shared, "worker-1", now, [0])
    assert joining.missing() == []


def test_records_of_a_killed_run_do_not_count(valkey_url, shared, serve):
    """A worker's record that a run left behind which was just killed does not make the new one ready."""
    now = time.time()
    joining = Joining(["worker-1"], {"worker-1": serve(answer=True)}, ["worker-1"], Redis(redis=valkey_url), since=now)
    beat(shared, "worker-1", now - 5, [0])

    assert joining.missing() == ["worker-1"]


def test_without_redis_nobody_has_joined(serve):
    """An unreachable Redis is no error, only not yet."""
    redis = Redis(redis="redis://127.0.0.1:1/0")

    assert Joining(["web"], {"web": serve(answer=True)}, ["worker-1"], redis, since=0).missing() == ["worker-1"]
