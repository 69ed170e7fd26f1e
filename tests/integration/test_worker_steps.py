"""The worker's steps against a real Valkey and a folder, one record at a time, without processes."""

import contextlib
import time
from secrets import token_hex

import pytest
from msgspec.structs import replace

from pixo import messages, settings, state, store, topics
from pixo.broker import Record
from pixo.broker.memory import MemoryBroker
from pixo.errors import BadImage, BadRecord, TryAgain
from pixo.letters.writing import Letters
from pixo.messages import TileDead, TileDone, TileTask
from pixo.state.records import Spec
from pixo.store import NoSuchBlob, names
from services.worker.activity import Activity
from services.worker.breaker import IN_A_ROW, Breaker, Tripped
from services.worker.handler import Handler
from services.worker.measures import Measures
from tests.plans import striped

PLAN = striped(40)


class Worker:
    """A handler with real state and store; the work itself is the test's to say."""

    def __init__(self, valkey_url, folder, stack):
        config = settings.load({"PIXO_REDIS": valkey_url, "PIXO_STORE": f"file://{folder}"})
        self.state = stack.enter_context(contextlib.closing(state.open(config.redis)))
        self.store = store.open(config.store)
        self.broker = MemoryBroker()
        self.broker.admin().ensure(topics.specs(config.kafka))
        self.names = topics.names(config.kafka)
        self.work = [b"piece"]
        self.worked = 0
        self.breaker = Breaker()
        self.id = token_hex(8)
        producer = self.broker.producer()
        self.handler = Handler(
            worker="w",
            tiles=self,
            state=self.state,
            store=self.store,
            producer=producer,
            topics=self.names,
            letters=Letters(producer, self.names, "w"),
            breaker=self.breaker,
            activity=Activity(time.monotonic),
            measures=Measures(),
        )
        spec = Spec(
            id=self.id,
            created=time.time(),
            filename="a.png",
            bytes=1,
            filters="invert",
            small=True,
            weight=1,
            deadline_s=600.0,
            plan=PLAN,
        )
        self.state.jobs.create(spec)
        self.gen = self.state.jobs.start(self.id, [(0, 0, 4)]).gen

    def make(self, _task):
        """Do the next thing that the test said, the last one again and again."""
        self.worked += 1
        outcome = self.work[min(self.worked, len(self.work)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def record(self, tile=0, value=None):
        """Give the record of a tile's task."""
        task = TileTask(job=self.id, gen=self.gen, tile=tile, lane=0, until=4, plan=PLAN)
        return Record(self.names.tasks, 0, tile, value or messages.encode(task), {}, 0)

    def sent(self, topic):
        """Give all values on a topic."""
        return [record for log in self.broker.log(topic) for record in log]

    def reported(self):
        """Give the messages on `results`."""
        return [messages.decode(record.value) for record in self.sent(self.names.results)]

    def attempts(self, tile=0):
        """Give how often a tile was begun."""
        return self.state.jobs.tiles(self.id)[tile].attempts


@pytest.fixture
def worker(valkey_url, tmp_path):
    """Give a worker with a job of four tiles in work."""
    with contextlib.ExitStack() as stack:
        yield Worker(valkey_url, tmp_path, stack)


def test_a_piece_is_stored_before_it_is_reported(worker):
    """Nothing is stored or reported by the work step; the finish step leaves the piece that the report names."""
    finish = worker.handler.handle(worker.record())
    assert not worker.reported()
    finish()
    (done,) = worker.reported()
    assert isinstance(done, TileDone)
    assert worker.store.get(names.tile(worker.id, 0, done.token)) == b"piece"
    assert done.size == 5
    finish()
    assert worker.reported() == [done], "a repeated finish tells nothing new"


def test_a_record_that_comes_again_while_it_is_finished(worker):
    """The partition came back before the first delivery's finish was through: both end, and one report is counted."""
    first = worker.handler.handle(worker.record())
    make = worker.make

    def finish_meanwhile(task):
        first()
        return make(task)

    worker.make = finish_meanwhile
    second = worker.handler.handle(worker.record())
    second()
    outcomes = [worker.state.jobs.complete(done).status for done in worker.reported()]
    assert outcomes == ["ok", "dup"]


def test_a_piece_that_waits_for_a_part_costs_no_attempt(worker):
    """The work is done: however many workers end while Kafka is away, the tile is not given up for it."""
    finish = worker.handler.handle(worker.record())
    assert worker.state.jobs.attempts(worker.id, 0) == 1
    worker.broker.down = True
    with pytest.raises(TryAgain):
        finish()
    others = [worker.state.jobs.begin(worker.id, worker.gen, 0, token) for token in ("a", "b", "c")]
    assert "dead" not in others
    worker.broker.down = False
    finish()


def test_a_piece_that_was_not_acknowledged_is_reported_again(worker):
    """While the broker is down the finish step raises TryAgain; later it goes through."""
    finish = worker.handler.handle(worker.record())
    worker.broker.down = True
    with pytest.raises(TryAgain):
        finish()
    worker.broker.down = False
    finish()
    assert len(worker.reported()) == 1


def test_a_report_that_kafka_has_is_not_sent_again(worker, monkeypatch):
    """When Redis is away only at the very end, the step is tried again without storing and telling twice."""
    finish = worker.handler.handle(worker.record())
    close = worker.state.jobs.give_back
    away = iter([TryAgain("redis", "away")])

    def give_back(*attempt):
        for error in away:
            raise error
        close(*attempt)

    monkeypatch.setattr(worker.state.jobs, "give_back", give_back)
    with pytest.raises(TryAgain):
        finish()
    finish()

    assert len(worker.reported()) == 1
    assert not worker.handler._open


def test_a_broken_image_is_dead_at_once(worker):
    """One attempt, a dead letter with the reason, then the report."""
    worker.work = [BadImage("the JPEG is cut off")]
    worker.handler.handle(worker.record())()
    (letter,) = worker.sent(worker.names.dead_letters)
    assert letter.headers["reason"] == b"the JPEG is cut off"
    assert letter.headers["error"] == b"BadImage"
    assert worker.reported() == [
        TileDead(job=worker.id, gen=worker.gen, tile=0, reason="the JPEG is cut off", worker="w")
    ]
    assert worker.worked == 1


def test_an_unknown_failure_is_tried_three_times(worker):
    """Then the tile is dead, and the reason names it and the last cause."""
    worker.work = [ValueError("odd filter")]
    worker.handler.handle(worker.record(tile=2))()
    (dead,) = worker.reported()
    assert worker.worked == 3
    assert dead.reason == "tile 2: failed three times, the last time with ValueError: odd filter"


def test_a_failure_that_passes_costs_an_attempt_only(worker):
    """The second attempt's piece counts."""
    worker.work = [MemoryError("tight"), b"piece"]
    worker.handler.handle(worker.record())()
    assert isinstance(worker.reported()[0], TileDone)
    assert worker.attempts() == 2


def test_a_store_out_of_reach_costs_no_attempt(worker):
    """TryAgain from the work: the loop repeats the step as often as it likes, and the tile does not die of it."""
    worker.work = [TryAgain("store", "away")] * 5 + [b"piece"]
    for _ in range(5):
        with pytest.raises(TryAgain):
            worker.handler.handle(worker.record())
    worker.handler.handle(worker.record())()
    assert isinstance(worker.reported()[0], TileDone)


def test_a_worker_that_stops_in_a_tile_costs_no_attempt(worker):
    """Told to end before a tile is finished, a worker closes the attempt: four such ends are no reason to give up."""
    for offset in range(4):
        worker.handler.handle(replace(worker.record(), offset=offset))
        worker.handler.let_go()
    finish = worker.handler.handle(replace(worker.record(), offset=9))
    assert worker.worked == 5
    finish()
    assert isinstance(worker.reported()[0], TileDone)


def test_a_tile_that_killed_three_workers_is_dead(worker):
    """Three open attempts of others: it is not touched again."""
    for token in "abc":
        worker.state.jobs.begin(worker.id, worker.gen, 0, token)
    worker.handler.handle(worker.record())()
    assert worker.worked == 0
    assert worker.reported()[0].reason == "tile 0: three attempts, each of which its worker did not survive"


def test_a_tile_that_was_begun_before_is_worked_on_alone(worker):
    """While the tile before it is being finished it waits, so that it takes nobody with it; the wait counts once."""
    worker.state.jobs.begin(worker.id, worker.gen, 1, "ended with its worker")
    finish = worker.handler.handle(worker.record(tile=0))
    for _ in range(3):
        with pytest.raises(TryAgain, match="begun before"):
            worker.handler.handle(worker.record(tile=1))
    assert worker.worked == 1
    finish()
    worker.handler.handle(worker.record(tile=1))()
    assert worker.worked == 2
    assert worker.attempts(tile=1) == 2


def test_a_tile_that_another_finished_meanwhile_leaves_nothing_open(worker):
    """Begun, made to wait for being alone, then done elsewhere: the next tile that was begun before need not wait."""
    begin = worker.state.jobs.begin
    begin(worker.id, worker.gen, 1, "another's")
    begin(worker.id, worker.gen, 2, "ended with its worker")
    finish = worker.handler.handle(worker.record(tile=0))
    with pytest.raises(TryAgain, match="begun before"):
        worker.handler.handle(worker.record(tile=1))
    theirs = {"tile": 1, "token": "another's", "lane": 0, "size": 1, "crc": 0, "worker": "other", "ms": 1}
    theirs = TileDone(job=worker.id, gen=worker.gen, **theirs)
    worker.state.jobs.complete(theirs)
    assert worker.handler.handle(worker.record(tile=1)) is None
    finish()
    worker.handler.handle(worker.record(tile=2))()
    assert not worker.handler._open


def test_a_letter_that_kafka_did_not_take_is_written_again(worker):
    """Nothing is dropped: while the broker is down the tile is neither buried nor reported; later it is both."""
    worker.work = [BadImage("the JPEG is cut off")]
    bury = worker.handler.handle(worker.record())
    worker.broker.down = True
    with pytest.raises(TryAgain):
        bury()
    worker.broker.down = False
    assert not worker.sent(worker.names.dead_letters)
    assert not worker.reported()
    bury()
    (letter,) = worker.sent(worker.names.dead_letters)
    assert letter.headers["attempts"] == b"1"
    assert len(worker.reported()) == 1


def test_one_job_too_many_trips_the_breaker_instead(worker):
    """No letter, no report, and the attempts do not count: the tile is a healthy worker's."""
    worker.work = [ValueError("bad deployment")]
    for n in range(IN_A_ROW - 1):
        worker.breaker.failed(f"job{n}", "bad deployment")
    with pytest.raises(Tripped):
        worker.handler.handle(worker.record())
    assert not worker.sent(worker.names.dead_letters)
    assert not worker.reported()
    assert worker.state.jobs.begin(worker.id, worker.gen, 0, "healthy") == "go"


def test_broken_images_do_not_trip_the_breaker(worker):
    """What an image explains is no fault of the worker's."""
    worker.work = [BadImage("the JPEG is cut off")]
    for n in range(IN_A_ROW - 1):
        worker.breaker.failed(f"job{n}", "odd")
    worker.handler.handle(worker.record())()
    assert len(worker.reported()) == 1


def test_uploads_that_are_gone_do_not_trip_the_breaker(worker, capfd):
    """Somebody cleared the store: that is no fault of this worker's, which other jobs need, and no traceback's."""
    worker.work = [NoSuchBlob(names.source(worker.id))]
    for n in range(IN_A_ROW - 1):
        worker.breaker.failed(f"job{n}", "odd")
    worker.handler.handle(worker.record())()
    (dead,) = worker.reported()
    assert isinstance(dead, TileDead)
    assert dead.reason == "the upload is gone from the store"
    assert worker.attempts() == 3
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_an_ended_job_is_skipped_before_any_work(worker, end):
    """Nothing is decoded, stored or reported."""
    getattr(worker.state.jobs, end)(worker.id)
    assert worker.handler.handle(worker.record()) is None
    assert worker.worked == 0


@pytest.mark.parametrize("value", [b"", b"{", b'{"type":"heartbeat"}'])
def test_what_is_no_task_is_a_bad_record(worker, value):
    """The loop puts it away, with its bytes."""
    with pytest.raises(BadRecord):
        worker.handler.handle(worker.record(value=value or b" "))
    with pytest.raises(BadRecord):
        worker.handler.handle(
            worker.record(value=messages.encode(TileDead(job="j", gen=1, tile=0, reason="", worker="w")))
        )
    with pytest.raises(BadRecord):
        worker.handler.handle(worker.record(tile=4))
