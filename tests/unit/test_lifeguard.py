"""A process whose loop stands still ends itself; one that was frozen for a while does not."""

from pixo.lifeguard import EXIT_STILL, LOOKS, Lifeguard


def test_a_loop_that_stands_still_ends_the_process():
    """Only after several bad looks in a row; a good one between starts them over."""
    codes, answers = [], []
    guard = Lifeguard(lambda: answers.pop(0), exit_hard=codes.append)
    answers += ["no turn for 60 s"] * (LOOKS - 1) + [True] + ["no turn for 60 s"] * LOOKS

    while len(answers) > 1:
        guard.look()
    assert not codes
    guard.look()
    assert codes == [EXIT_STILL]


def test_it_ends_with_its_block():
    """The thread is gone after the block."""
    with Lifeguard(lambda: True) as guard:
        pass
    assert not guard._thread.is_alive()


def test_one_of_several_that_stands_still_ends_the_process():
    """The loop turns, and what is done beside it does not: that is no whole process."""
    codes = []
    guard = Lifeguard(lambda: True, lambda: "sweep stands still for 200 s", exit_hard=codes.append)
    for _ in range(LOOKS):
        guard.look()
    assert codes == [EXIT_STILL]
