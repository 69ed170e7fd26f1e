"""The loop: one step of it at a time, on the broker in memory."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pixo.broker import Record
from pixo.broker.memory import MemoryBroker, MemoryConsumer
from pixo.errors import BadRecord, TryAgain
from pixo.loop import Finish, Handle, Loop
from pixo.topics import Topic

PATIENCE = 10.0


class Desk:
    """A loop over a topic of one partition, and what happened."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.broker.admin().ensure([Topic(name="t", partitions=1)])
        self.consumer: MemoryConsumer = self.broker.consumer("g", "t")
        self.seen: list[str] = []
        self.gate = threading.Event()
        """What waits for it is let go at the end of the test."""

    def send(self, *values: bytes) -> None:
        """Send these to the topic."""
        producer = self.broker.producer()
        producer.settle([producer.send("t", value) for value in values])

    def loop(self, handle: Handle, **options: object) -> Loop:
        """Give a loop over the topic."""
        return Loop(self.consumer, handle, **options)  # type: ignore[arg-type]

    def committed(self) -> int:
        """Give the group's committed offset."""
        return self.broker.admin().committed("g", "t").get(0, 0)

    def note(self, word: str, record: Record) -> None:
        """Take note of what happened to a record."""
        self.seen.append(f"{word} {(record.value or b'').decode()}")


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Give a desk; nothing of it waits any more after the test."""
    desk = Desk()
    yield desk
    desk.gate.set()


def turn(loop: Loop, condition: Callable[[], object]) -> None:
    """Tick until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the loop did not get there"
        loop.tick()


def test_record_is_done_after_both_steps(desk: Desk) -> None:
    """A record is handled, then finished, then done; the offset follows."""
    desk.send(b"a", b"b")

    def handle(record: Record) -> Finish:
        desk.note("handled", record)

        def finish() -> None:
            desk.note("finished", record)
            assert desk.committed() == record.offset

        return finish

    loop = desk.loop(handle, limit=1)
    turn(loop, lambda: desk.committed() == 2)

    assert desk.seen == ["handled a", "finished a", "handled b", "finished b"]


def test_nothing_to_finish(desk: Desk) -> None:
    """A record whose handling leaves nothing to finish is done at once."""
    desk.send(b"a")
    loop = desk.loop(lambda record: desk.note("handled", record))

    turn(loop, lambda: desk.committed() == 1)

    assert desk.seen == ["handled a"]


def test_next_record_is_in_work_while_one_is_finished(desk: Desk) -> None:
    """Finishing holds up no work."""
    desk.send(b"a", b"b")
    second = threading.Event()

    def handle(record: Record) -> Finish | None:
        if record.value == b"b":
            second.set()
            return None
        return lambda: desk.note("finished" if second.wait(PATIENCE) else "never saw b while at", record)

    loop = desk.loop(handle)
    turn(loop, lambda: desk.committed() == 2)

    assert desk.seen == ["finished a"]


def test_no_more_inside_than_the_limit(desk: Desk) -> None:
    """What is over the limit stays with the broker, and the loop keeps turning meanwhile."""
    desk.send(b"a", b"b", b"c")
    now = [0.0]

    def handle(_: Record) -> None:
        desk.gate.wait(PATIENCE)

    loop = desk.loop(handle, limit=2, clock=lambda: now[0])
    for _ in range(4):
        loop.tick()
        now[0] += 0.7

    assert loop.inside == 2
    assert loop.progress == pytest.approx(2.1)
    assert not desk.consumer._paused
    # Full for longer than a moment: the consumer is paused, and polled so that the group sees it live.
    loop.tick()
    assert loop.inside == 2
    assert desk.consumer._paused
    desk.gate.set()
    turn(loop, lambda: desk.committed() == 3)
    assert not desk.consumer._paused


def test_short_fullness_does_not_pause(desk: Desk) -> None:
    """A consumer that is full for a moment only is not paused: pausing throws away what was fetched ahead."""
    desk.send(*[b"%d" % number for number in range(30)])
    pauses = []
    desk.consumer.pause = lambda: pauses.append(True)  # type: ignore[method-assign]
    loop = desk.loop(lambda record: lambda: desk.note("finished", record), clock=lambda: 0.0)

    turn(loop, lambda: desk.committed() == 30)

    assert pauses == []


@pytest.mark.parametrize("step", ["handle", "finish"])
def test_try_again_repeats_the_same_step(desk: Desk, step: str) -> None:
    """A step that was out of luck is repeated, that step only, while the loop keeps turning."""
    desk.send(b"a")
    turns = []

    def attempt(name: str) -> None:
        desk.seen.append(name)
        if name == step and desk.seen.count(name) < 4:
            raise TryAgain("store", "away")

    def handle(_: Record) -> Finish:
        attempt("handle")
        return lambda: attempt("finish")

    loop = desk.loop(handle)
    turn(loop, lambda: turns.append(loop.progress) or desk.committed() == 1)

    other = "finish" if step == "handle" else "handle"
    assert (desk.seen.count(step), desk.seen.count(other)) == (4, 1)
    assert len(turns) > 1


@pytest.mark.parametrize("step", ["handle", "finish"])
def test_bad_record_is_put_aside(desk: Desk, step: str) -> None:
    """A record that cannot be understood goes to on_bad, until that succeeds, and is done only then."""
    desk.send(b"junk", b"fine")
    reported: list[tuple[bytes | None, str, int]] = []

    def refuse() -> None:
        raise BadRecord("not JSON", b"junk")

    def handle(record: Record) -> Finish | None:
        if record.value == b"fine":
            return None
        if step == "finish":
            return refuse
        return refuse()

    def on_bad(record: Record, error: BadRecord) -> None:
        reported.append((record.value, str(error), desk.committed()))
        if len(reported) == 1:
            raise TryAgain("kafka", "away")

    loop = desk.loop(handle, on_bad=on_bad)
    turn(loop, lambda: desk.committed() == 2)

    assert reported == [(b"junk", "not JSON", 0)] * 2


@pytest.mark.parametrize("step", ["handle", "finish"])
def test_other_errors_end_the_loop(desk: Desk, step: str, caplog: pytest.LogCaptureFixture) -> None:
    """Any other error comes out of tick, with a traceback in the log; the record is not done."""
    desk.send(b"a")

    def fail() -> None:
        raise ZeroDivisionError("a bug")

    def handle(_: Record) -> Finish | None:
        return fail if step == "finish" else fail()

    loop = desk.loop(handle)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        turn(loop, lambda: False)

    assert desk.committed() == 0
    assert any(line.exc_info for line in caplog.records if line.getMessage() == "loop broken")


def test_nothing_is_begun_after_a_break(desk: Desk) -> None:
    """What was in hand behind the record that broke the loop is let go, not worked on in a process that is to end."""
    desk.send(b"a", b"b")
    both, began = threading.Event(), []

    def handle(record: Record) -> None:
        began.append(record.value)
        both.wait(10)
        raise ZeroDivisionError

    loop = desk.loop(handle)
    turn(loop, lambda: loop.inside == 2)
    both.set()
    with pytest.raises(ZeroDivisionError):
        turn(loop, lambda: False)
    deadline = time.monotonic() + 10
    while loop.inside == 2 and time.monotonic() < deadline:
        time.sleep(0.001)  # between two looks

    assert loop.inside == 1
    assert began == [b"a"]


def test_error_ends_the_run_and_leaves_the_group(desk: Desk) -> None:
    """A run that breaks gives its partitions back at once."""
    desk.send(b"a")

    def fail(_: Record) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.loop(fail).run(threading.Event())

    assert desk.broker.groups["g"].members == []


def test_stop_finishes_what_was_begun(desk: Desk) -> None:
    """Told to stop, the loop finishes the record in work, lets go of the others, and leaves the group."""
    desk.send(b"a", b"b", b"c")
    stop, begun = threading.Event(), threading.Event()

    def handle(record: Record) -> Finish:
        begun.set()
        desk.gate.wait(PATIENCE)
        desk.note("handled", record)
        return lambda: desk.note("finished", record)

    loop = desk.loop(handle)
    runner = threading.Thread(target=loop.run, args=[stop])
    runner.start()
    assert begun.wait(PATIENCE)
    stop.set()
    while not desk.consumer._paused:
        assert runner.is_alive()
    desk.gate.set()
    runner.join(PATIENCE)

    assert desk.seen == ["handled a", "finished a"]
    assert desk.committed() == 1
    assert desk.broker.groups["g"].members == []
    again = desk.broker.consumer("g", "t").poll(0)
    assert again is not None
    assert again.value == b"b"


def test_stop_waits_no_longer_than_its_budget(desk: Desk) -> None:
    """What cannot be finished in time is left to the next holder."""
    desk.send(b"a")
    stop, begun = threading.Event(), threading.Event()

    def handle(_: Record) -> None:
        begun.set()
        raise TryAgain("redis", "gone for good")

    loop = desk.loop(handle, budget=0.1)
    runner = threading.Thread(target=loop.run, args=[stop])
    runner.start()
    assert begun.wait(PATIENCE)
    stop.set()
    runner.join(PATIENCE)

    assert not runner.is_alive()
    assert desk.committed() == 0
    assert desk.broker.groups["g"].members == []


def test_record_of_a_lost_partition_is_not_begun(desk: Desk) -> None:
    """A record whose partition went to somebody else before its turn is let go."""
    desk.send(b"a", b"b")
    begun = threading.Event()

    def handle(record: Record) -> None:
        begun.set()
        desk.gate.wait(PATIENCE)
        desk.note("handled", record)

    loop = desk.loop(handle, limit=2)
    turn(loop, lambda: loop.inside == 2 and begun.is_set())
    desk.consumer.close()
    desk.gate.set()
    deadline = time.monotonic() + PATIENCE
    while loop.inside:
        assert time.monotonic() < deadline

    assert desk.seen == ["handled a"]
    assert desk.committed() == 0
