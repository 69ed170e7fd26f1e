"""How far a consumer has come."""

from hypothesis import given
from hypothesis import strategies as st

from pixo.broker.offsets import Offsets


def test_moves_when_the_gap_closes() -> None:
    """The offset moves only past records before which none is missing."""
    offsets = Offsets()
    for offset in (4, 5, 6):
        offsets.delivered(0, offset)

    assert [offsets.done(0, offset) for offset in (6, 4, 5)] == [None, 5, 7]


def test_holes_of_the_log_are_no_gaps() -> None:
    """Offsets that were never delivered (control records, compacted ones) hold nothing up."""
    offsets = Offsets()
    for offset in (1, 5, 9):
        offsets.delivered(0, offset)

    assert [offsets.done(0, offset) for offset in (1, 5, 9)] == [2, 6, 10]


def test_first_that_is_not_done() -> None:
    """Among those that were delivered, whatever was done beyond it."""
    offsets = Offsets()
    assert offsets.first(0) is None
    for offset in (4, 5, 6):
        offsets.delivered(0, offset)
    offsets.done(0, 5)
    assert offsets.first(0) == 4
    offsets.done(0, 4)
    assert offsets.first(0) == 6
    offsets.done(0, 6)
    assert offsets.first(0) is None


def test_partitions_are_apart() -> None:
    """A partition that stands still holds up no other."""
    offsets = Offsets()
    offsets.delivered(0, 0)
    offsets.delivered(1, 0)

    assert offsets.done(1, 0) == 1
    assert offsets.done(0, 0) == 1


def test_forgotten_records_change_nothing() -> None:
    """Done after the partition was taken away moves nothing, nor leaves a gap for the next time."""
    offsets = Offsets()
    offsets.delivered(0, 0)
    offsets.delivered(0, 1)
    offsets.forget([0, 7])

    assert offsets.done(0, 0) is None
    offsets.delivered(0, 1)
    assert offsets.done(0, 1) == 2
    assert offsets.done(0, 1) is None


def test_many_rebalances_leave_no_gap() -> None:
    """Two rebalances with records in hand do not stop the offset for ever."""
    offsets = Offsets()
    for _ in range(3):
        offsets.delivered(0, 3)
        offsets.delivered(0, 4)
        offsets.done(0, 4)
        offsets.forget([0])
    offsets.delivered(0, 3)
    offsets.delivered(0, 4)

    assert offsets.done(0, 3) == 4
    assert offsets.done(0, 4) == 5


@given(st.permutations(range(12)), st.integers(0, 12))
def test_offset_is_the_first_that_is_not_done(order: list[int], count: int) -> None:
    """In whatever order records are done, the last offset given is the first that is not done."""
    offsets = Offsets()
    for offset in range(12):
        offsets.delivered(0, offset)
    moved = [offsets.done(0, offset) for offset in order[:count]]
    given_out = [offset for offset in moved if offset is not None]

    first_open = next((offset for offset in range(12) if offset not in order[:count]), 12)
    assert (given_out[-1] if given_out else 0) == first_open
    assert given_out == sorted(given_out)
