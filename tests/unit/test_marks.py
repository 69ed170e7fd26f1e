"""What offsets tell about lost tasks."""

from pixo.marks import Marks, Offsets


def look(ends, committed, starts=None) -> Offsets:
    """Give one look at a topic with these partitions."""
    return Offsets(
        starts=dict(enumerate(starts or [0] * len(ends))),
        ends=dict(enumerate(ends)),
        committed=dict(enumerate(committed)),
    )


IDLE = look([0], [None])


def test_an_idle_partition_is_safe_up_to_now():
    """Where everything is consumed, whatever was published before this look is."""
    marks = Marks()
    marks.note(1000, look([0, 7], [None, 7]), IDLE)
    assert marks.safe == {0: 1000, 1: 1000}
    assert marks.results_safe == 1000


def test_what_waits_is_not_safe():
    """A partition with a task that waits is safe up to the last look before that task."""
    marks = Marks()
    marks.note(1000, look([5], [5]), IDLE)
    marks.note(2000, look([6], [5]), IDLE)
    marks.note(3000, look([8], [5]), IDLE)
    assert marks.safe == {0: 1000}
    marks.note(4000, look([9], [7]), IDLE)
    assert marks.safe == {0: 2000}


def test_nothing_is_known_at_first():
    """A process that has just started knows no partition with work to be safe."""
    marks = Marks()
    marks.note(1000, look([5], [2]), IDLE)
    assert marks.safe.get(0, 0) == 0


def test_results_that_lie_behind_hold_back_all():
    """A task that was consumed is not lost while its result may wait in results."""
    marks = Marks()
    marks.note(1000, look([0], [0]), look([0, 0], [None, None]))
    marks.note(2000, look([5], [5]), look([0, 5], [None, 0]))
    marks.note(3000, look([5], [5]), look([0, 5], [None, 0]))
    assert (marks.safe, marks.results_safe) == ({0: 1000}, 1000)
    marks.note(4000, look([5], [5]), look([0, 5], [None, 5]))
    assert (marks.safe, marks.results_safe) == ({0: 4000}, 4000)


def test_a_log_made_anew_has_nothing_waiting():
    """When a log is shorter than before, all that was published before is gone, so that time is safe."""
    marks = Marks()
    marks.note(1000, look([9], [2]), IDLE)
    marks.note(2000, look([0], [None]), IDLE)
    assert marks.safe == {0: 2000}
    marks.note(3000, look([3], [1]), IDLE)
    assert marks.safe == {0: 2000}


def test_retention_consumes_as_well():
    """Records that the broker has dropped will not be consumed any more."""
    marks = Marks()
    marks.note(1000, look([5], [2]), IDLE)
    marks.note(2000, look([8], [2], starts=[5]), IDLE)
    assert marks.safe == {0: 1000}


def test_a_partition_that_comes_later_is_followed():
    """Topics grow."""
    marks = Marks()
    marks.note(1000, look([1], [1]), IDLE)
    marks.note(2000, look([1, 0], [1, None]), IDLE)
    assert marks.safe == {0: 2000, 1: 2000}


def test_memory_stays_bounded():
    """A day of a group that stands still keeps few marks, and the oldest one still counts."""
    marks = Marks()
    for n in range(5000):
        marks.note(1000 + n, look([n], [0]), IDLE)
    assert len(marks._tasks[0]._marks) <= 512
    assert marks.safe == {0: 1000}
    marks.note(9000, look([5000], [5000]), IDLE)
    assert marks.safe == {0: 9000}


def test_a_commit_beyond_the_end_consumes_nothing():
    """An offset that outlived its log says nothing of the new one: what waits there is not safe."""
    marks = Marks()
    marks.note(1000, look([9], [9]), IDLE)
    marks.note(2000, look([0], [9]), IDLE)
    marks.note(8000, look([3], [9]), IDLE)
    marks.note(20000, look([5], [9]), IDLE)
    assert marks.safe == {0: 2000}


def test_a_clock_set_back_forgets_what_was_safe():
    """A time from before the clock was set back lies in the future: it would call safe what was just published."""
    marks = Marks()
    marks.note(900_000, look([5], [5]), IDLE)
    marks.note(1000, look([8], [6]), IDLE)
    assert marks.safe == {0: 0}
    marks.note(2000, look([8], [8]), IDLE)
    assert marks.safe == {0: 2000}


def test_there_are_exactly_the_partitions_of_today():
    """The tasks of lane 4 go to partition 0 or 1 of two: no partition of yesterday judges them."""
    marks = Marks()
    marks.note(1000, look([0] * 5, [None] * 5), IDLE)
    marks.note(2000, look([3, 0], [1, None]), IDLE)
    assert marks.safe == {0: 1000, 1: 2000}
