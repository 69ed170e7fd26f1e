"""Where a job's runs go."""

from pixo.lanes import choose, limits


def test_a_lone_job_gets_a_lane_on_every_worker():
    """One partition of each live worker, those with least to do first."""
    chosen = choose([[0, 1], [2, 3], [4]], 5, {0: 3, 2: 1}, tiles=100, alone=True)
    assert chosen == [4, 3, 1]


def test_a_job_among_others_gets_one_lane():
    """Where the fewest tiles are out."""
    assert choose([[0], [1]], 2, {0: 4, 1: 2}, tiles=100, alone=False) == [1]


def test_few_tiles_get_few_lanes():
    """A lane for four tiles at least, and always one."""
    assert len(choose([[0], [1], [2]], 3, {}, tiles=8, alone=True)) == 2
    assert len(choose([[0], [1], [2]], 3, {}, tiles=1, alone=True)) == 1


def test_two_workers_that_name_one_partition_make_one_lane():
    """Right after a rebalance heartbeats overlap: no partition gets two runs, for the second would hide the first."""
    assert choose([[0], [0], [1]], 3, {}, tiles=20, alone=True) == [0, 1]
    assert choose([[0], [0, 2], [1]], 3, {}, tiles=20, alone=True) == [0, 2, 1]


def test_without_known_workers_there_is_still_a_lane():
    """Nobody beats, or with no partitions: the partition with fewest tiles out."""
    assert choose([], 3, {0: 2, 1: 1, 2: 5}, tiles=9, alone=True) == [1]
    assert choose([[], [7]], 3, {0: 1}, tiles=9, alone=True) == [1]


def test_turns_break_ties():
    """Admitters that see the same choose in turn."""
    assert {choose([[0], [1]], 2, {}, tiles=1, alone=False, turn=turn)[0] for turn in range(2)} == {0, 1}


def test_small_jobs_have_places_of_their_own():
    """The limit grows with the workers, and at least two places are kept for small jobs."""
    assert limits(1) == (4, 2)
    assert limits(8) == (24, 8)
