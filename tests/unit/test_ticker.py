"""What is done beside a process's main work goes on."""

import threading

from pixo.ticker import Ticker


def test_a_call_that_fails_is_not_the_last(caplog):
    """A lease or a watch that ended by one mistake would be missed only much later."""
    calls, again = [], threading.Event()

    def act():
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("once")
        again.set()

    with Ticker("watch", 0.001, act):
        assert again.wait(10)

    assert [record.message for record in caplog.records] == ["call failed"]
