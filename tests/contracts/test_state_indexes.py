# ruff: noqa: FBT003 - small or not, by position as everywhere
"""The state's promises about the queue, processes, keys of clients, and the server, on a real Valkey."""

import time

import pytest
from redis import Redis

from pixo import state as states
from pixo.errors import Refusal, TryAgain
from pixo.messages import Heartbeat
from pixo.settings import Redis as Settings
from pixo.state import keys
from tests.contracts.state_jobs import spec


@pytest.fixture
def state(valkey_url):
    """Give the state as a role opens it."""
    state = states.open(Settings(redis=valkey_url))
    yield state
    state.close()


@pytest.fixture
def client(valkey_url):
    """Give a plain client."""
    with Redis.from_url(valkey_url) as client:
        yield client


def heartbeat(id="w1", role="worker", *, stopping=False) -> Heartbeat:
    """Give a sign of life."""
    return Heartbeat(
        id=id, role=role, version="1", host="h", started=1.0, partitions=[2, 3], tiles=4, busy=0.5, stopping=stopping
    )


def test_large_jobs_start_later_but_not_for_ever_later(state):
    """A bulk job is put off by two seconds a weight, ten minutes at most; a small one not at all."""
    queue = state.queue
    queue.enrol("huge", 0, False, 10_000)
    queue.enrol("bulk", 0, False, 100)
    queue.enrol("early", 199_999, True, 1)
    queue.enrol("late", 600_001, True, 1)
    assert [one.id for one in queue.candidates()] == ["early", "bulk", "huge", "late"]
    assert [one.small for one in queue.candidates()] == [True, False, False, True]
    assert queue.waiting() == 4


def test_a_small_job_is_seen_behind_any_number_of_bulk_ones(state):
    """Candidates are the first of each class, however long the queue is."""
    for n in range(100):
        state.queue.enrol(f"bulk{n:03}", n, False, 1)
    state.queue.enrol("photo", 10**9, True, 1)
    assert [one.id for one in state.queue.candidates(2)] == ["bulk000", "bulk001", "photo"]


def test_slots_are_reserved_for_small_jobs(state):
    """Bulk jobs get all slots but the reserve, small ones all; claiming twice is claiming once."""
    queue = state.queue
    assert [queue.claim(f"b{n}", False, 3, 1) for n in range(3)] == [True, True, False]
    assert [queue.claim(f"s{n}", True, 3, 1) for n in range(2)] == [True, False]
    assert queue.claim("b0", False, 3, 1)
    assert queue.active() == {"b0": False, "b1": False, "s0": True}
    assert queue.release("b0")
    assert not queue.release("b0")
    assert queue.claim("b2", False, 3, 1)


def test_a_claimed_job_waits_no_more(state):
    """Leave and release empty the indexes, activate needs no slot."""
    queue = state.queue
    queue.enrol("a", 1, True, 1)
    assert queue.enrolled("a")
    queue.leave("a")
    assert not queue.enrolled("a")
    queue.activate("a", True)
    assert queue.enrolled("a")
    queue.release("a")
    assert (queue.active(), queue.waiting()) == ({}, 0)


def test_the_list_of_jobs_is_read_page_by_page(state):
    """Newest first, each job once, also when jobs come and go between two pages."""
    queue = state.queue
    for n in range(7):
        queue.add(f"j{n}", 1000 + n // 2)
    first = queue.page(3)
    assert first.ids == ["j6", "j5", "j4"]
    queue.add("new", 5000)
    queue.remove("j5")
    second = queue.page(3, first.cursor)
    assert second.ids == ["j3", "j2", "j1"]
    third = queue.page(3, second.cursor)
    assert (third.ids, third.cursor) == (["j0"], None)
    queue.remove("j1")
    assert queue.page(3, second.cursor).ids == ["j0"]
    assert queue.listed("j0")
    assert not queue.listed("j1")
    with pytest.raises(ValueError, match="invalid literal"):
        queue.page(3, "nonsense")


def test_pages_of_one_millisecond_repeat_nothing(state):
    """A cursor whose job has gone stays good among jobs that came together with it."""
    queue = state.queue
    for id in "abcd":
        queue.add(id, 1000)
    first = queue.page(2)
    queue.remove("c")
    assert first.ids == ["d", "c"]
    assert queue.page(2, first.cursor).ids == ["b", "a"]


def test_a_process_lives_for_fifteen_seconds(state, client):
    """What beats is alive with all it told; what stops, is forgotten or falls silent is not."""
    workers = state.workers
    for one in (heartbeat("w1"), heartbeat("w2"), heartbeat("r", "results"), heartbeat("w3")):
        workers.beat(one, seen=12.0)
    assert 0 < client.ttl(keys.worker("w1")) <= 15
    workers.beat(heartbeat("w2", stopping=True))
    client.delete(keys.worker("w3"))
    (alive,) = workers.alive()
    assert (alive.id, alive.host, alive.partitions, alive.tiles, alive.busy, alive.seen) == (
        "w1",
        "h",
        [2, 3],
        4,
        0.5,
        12,
    )
    assert [one.id for one in workers.alive(None)] == ["r", "w1"]
    assert client.zrange(keys.WORKERS, 0, -1) == [b"r", b"w1", b"w3"]
    workers.forget("w1")
    assert workers.alive() == []


def test_the_dead_are_remembered_for_a_while(state, client):
    """Who falls silent is known as dead, holding nothing, for five minutes; who says farewell is not."""
    workers = state.workers
    for name in ("silent", "stopped", "back"):
        workers.beat(heartbeat(name), seen=100.0)
    workers.beat(heartbeat("stopped", stopping=True))
    client.delete(keys.worker("silent"), keys.worker("back"))
    workers.beat(heartbeat("back"), seen=108.0)
    assert 300 < client.ttl(keys.last_words("silent")) <= 315
    found = {one.id: (one.state(110.0), one.state(117.0), one.partitions) for one in workers.known()}
    assert found == {"silent": ("dead", "dead", []), "back": ("alive", "stale", [2, 3])}
    client.delete(keys.last_words("silent"))
    assert [one.id for one in workers.known()] == ["back"]
    assert client.zrange(keys.WORKERS, 0, -1) == [b"back"]


def test_a_key_of_a_client_stands_for_one_job(state):
    """The first claim wins, the same request gets its job's id, another request is refused."""
    idempotency = state.idempotency
    assert idempotency.claim("k", "print", "a") is None
    assert idempotency.claim("k", "print", "b") == "a"
    assert idempotency.claim("k", "print", "a") is None
    with pytest.raises(Refusal) as refusal:
        idempotency.claim("k", "another", "b")
    assert refusal.value.kind == "idempotency-key-reused"


def test_a_snapshot_of_the_cluster_grows_old(state, client):
    """What the monitor wrote is read as it was, for half a minute."""
    assert state.cluster.read() is None
    state.cluster.write({"topics": [1, {"lag": 2.5}]})
    assert state.cluster.read() == {"topics": [1, {"lag": 2.5}]}
    assert 0 < client.ttl(keys.CLUSTER) <= 30


def test_the_servers_time(state):
    """The clock of the scripts is the server's, in ms."""
    before = time.time() * 1000
    assert before - 1 <= state.now_ms() <= time.time() * 1000 + 1


def test_a_server_without_a_log_is_told_once(state, client, caplog):
    """Without an append-only file changes are made all the same, and the log says once what that means."""
    client.config_set("appendonly", "no")
    try:
        assert state.jobs.create(spec("a"))
        assert state.jobs.create(spec("b"))
    finally:
        client.config_set("appendonly", "yes")

    assert caplog.text.count("power loss") == 1


def test_a_server_that_is_not_there(tmp_path):
    """Every failure to reach Redis is TryAgain, and the impatient hear of it soon."""
    state = states.open(Settings(redis=f"unix://{tmp_path}/none.sock"), patient=False)
    calls = [
        state.ping, state.now_ms, state.queue.waiting, state.workers.alive, state.cluster.read,
        lambda: state.jobs.read("a"), lambda: state.jobs.cancel("a"), lambda: state.jobs.start("a", [(0, 0, 1)]),
        lambda: state.jobs.wait_end("a", 1),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(TryAgain) as error:
            call()
        assert error.value.part == "redis"


@pytest.mark.parametrize(
    ("setting", "bad", "good"), [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")], ids=["full", "alone"]
)
def test_a_server_that_takes_no_writes(state, client, setting, bad, good):
    """A full server, or one that misses its replicas, is one to try again later."""
    client.config_set(setting, bad)
    try:
        for call in (lambda: state.queue.enrol("a", 1, True, 1), lambda: state.jobs.create(spec("b"))):
            with pytest.raises(TryAgain):
                call()
    finally:
        client.config_set(setting, good)


def test_a_full_server_can_be_emptied(state, client):
    """Jobs are deleted and expired on a server without memory, and nothing else happens to them by half."""
    for id in "abcd":
        state.jobs.create(spec(id))
    state.jobs.cancel("b")
    state.jobs.cancel("d")
    before = state.jobs.read("d")
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(TryAgain):
            state.jobs.retry("d", 1)
        with pytest.raises(TryAgain):
            state.jobs.start("c", [(0, 0, 10)])
        assert state.jobs.delete("a")
        assert state.jobs.expire("b")
    finally:
        client.config_set("maxmemory", "0")
    assert [state.jobs.read(id).status for id in "abc"] == ["deleted", "expired", "queued"]
    assert state.jobs.read("d") == before


def test_a_connection_that_breaks_is_made_anew(state, client):
    """A server that drops its clients is reached again without anybody noticing."""
    state.ping()
    for _ in range(2):
        client.client_kill_filter(_type="normal", skipme=True)
        assert state.queue.waiting() == 0
