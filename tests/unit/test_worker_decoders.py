"""Decoders are kept for the lane that needs them next, and for no longer."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from pixo.errors import BadImage
from pixo.imaging.decode import Rewind
from pixo.messages import TileTask
from services.worker import heap
from services.worker.decoders import LARGE, Decoders
from services.worker.tiles import ended
from tests.plans import striped

PLAN = striped(1000, width=100, held=10, kept=10)


class Passing:
    """A reader that only knows where it stands."""

    def __init__(self, start):
        self.position = start
        self.closed = False

    def rows(self, top, bottom):
        """Pass over the rows."""
        if top < self.position:
            raise Rewind("gone")
        self.position = bottom

    def close(self):
        """Note it."""
        self.closed = True


class Bench:
    """Decoders with a clock and a record of what was opened."""

    def __init__(self, **bounds):
        self.opened = []
        self.now = 0.0
        self.decoders = Decoders(
            self._open,
            lambda _: Path("x"),
            **{"count": 9, "spare": 1 << 30, "memory": 1 << 30, **bounds},
            clock=lambda: self.now,
        )

    def _open(self, _path, _plan, start, _until):
        self.opened.append(Passing(start))
        return self.opened[-1]

    def take(self, job, top, *, lane=0, last=False, plan=PLAN):
        """Take ten rows."""

        def act(reader):
            reader.rows(top, top + 10)
            return b""

        self.decoders.work((job, lane), plan, (top, 1000), act, last=last)


def test_a_lane_goes_on_where_its_reader_stands():
    """Rows further down come from the same reader, for each lane its own."""
    bench = Bench()
    for top in (0, 10, 500):
        bench.take("a", top)
    bench.take("a", 600, lane=1)
    assert len(bench.opened) == 2


def test_a_lane_of_large_tiles_begins_with_an_empty_heap(monkeypatch):
    """What the C library keeps of others' tiles would come on top; ordinary tiles are made of it."""
    trims = []
    monkeypatch.setattr(heap, "trim", lambda: trims.append(1))
    bench = Bench()
    bench.take("a", 0)
    assert not trims
    for top in (0, 10):
        bench.take("b", top, plan=replace(PLAN, held=LARGE + 1))
    assert len(trims) == 1


def test_rows_further_up_need_a_new_reader():
    """A reader that has passed them is closed and replaced."""
    bench = Bench()
    bench.take("a", 500)
    bench.take("a", 0)
    assert [reader.closed for reader in bench.opened] == [True, False]


def test_the_last_tile_closes_its_reader():
    """Nothing lies below it."""
    bench = Bench()
    bench.take("a", 990, last=True)
    assert bench.opened[0].closed


@pytest.mark.parametrize("bounds", [{"count": 2}, {"memory": 29}, {"spare": 19}])
def test_the_least_recently_used_goes(bounds):
    """At most so many readers and so many bytes are kept."""
    bench = Bench(**bounds)
    for job in ("a", "b", "a", "c"):
        bench.take(job, 10 * len(bench.opened))
    assert [reader.closed for reader in bench.opened] == [False, True, False]


def test_readers_of_jobs_that_take_turns_stay():
    """What filters take of a tile is free again when it is made: readers are kept by what they hold themselves."""
    bench = Bench(memory=100)
    for top in range(0, 50, 10):
        for job in ("a", "b", "c"):
            bench.take(job, top, plan=replace(PLAN, held=60, kept=20))
    assert len(bench.opened) == 3


def test_of_two_large_readers_each_waits_for_the_other():
    """One is kept, however large, while there is room for the other's tile."""
    bench = Bench(spare=100, memory=1000)
    for top in range(0, 30, 10):
        for job in ("a", "b"):
            bench.take(job, top, plan=replace(PLAN, held=500, kept=400))
    assert len(bench.opened) == 2


def test_what_has_no_room_beside_a_tile_goes_before_that_is_made():
    """However many others there are; the lane's own reader is kept, however large."""
    bench = Bench(memory=30)
    bench.take("a", 0)
    bench.take("b", 0)
    closed = []

    def act(_):
        closed.extend(reader.closed for reader in bench.opened)
        return b""

    for top in (0, 10):
        bench.decoders.work(("c", 0), replace(PLAN, held=50), (top, 1000), act, last=False)
    assert closed == [True, True, False] * 2


def test_a_reader_whose_rows_are_broken_is_closed():
    """Nobody knows where it stands."""
    bench = Bench()

    def break_(_):
        raise BadImage("broken")

    with pytest.raises(BadImage):
        bench.decoders.work(("a", 0), PLAN, (0, 10), break_, last=False)
    assert bench.opened[0].closed


def test_what_nobody_wants_is_closed():
    """After a while without use, and at the end."""
    bench = Bench()
    bench.take("a", 0)
    bench.now = 10.0
    bench.take("b", 0)
    bench.decoders.rest(5.0)
    assert [reader.closed for reader in bench.opened] == [True, False]
    bench.decoders.close()
    assert bench.opened[1].closed


@pytest.mark.parametrize(
    ("engine", "tile", "until", "of_no_use"),
    [
        ("luma", 3, 4, True),
        ("luma", 2, 4, False),
        ("stream", 3, 4, False),
        ("stream", 99, 100, True),
    ],
)
def test_a_reader_goes_when_it_is_of_no_use(engine, tile, until, of_no_use):
    """After the image's last tile; and after its run where it has decoded no more than that, for it holds all of it."""
    plan = striped(1000, engine=engine)
    task = TileTask(job="a", gen=1, tile=tile, lane=0, until=until, plan=plan)

    assert ended(plan, task) is of_no_use
