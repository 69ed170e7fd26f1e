"""The protocol as a state machine: real scripts and roles, any order of steps, crashes between any two, losses.

Longer: ``make model``. What a play found is played again with ``python -m tests.property.protocol --seed N --plays 1``.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.property.protocol.play import FAULTS, Play, compose, perform

PLAYS = 12
NUMBERS = st.integers(min_value=0, max_value=(1 << 16) - 1)
PROGRESS = ("walk", "step", "flow", "favour")


@pytest.fixture
def url(valkey_server) -> str:
    """Give a database of the test server that nothing else uses."""
    return valkey_server.removesuffix("/0") + "/9"


class Protocol(RuleBasedStateMachine):
    """The same acts, chosen by hypothesis, which makes what breaks small."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.play = Play(self.url)

    @initialize(first=NUMBERS, second=NUMBERS)
    def arrive(self, first, second) -> None:
        """Have two clients send images."""
        self.play.act(("post", first, 0))
        self.play.act(("post", second, 0))

    @rule(name=st.sampled_from(PROGRESS), which=NUMBERS, how=NUMBERS)
    def go_on(self, name, which, how) -> None:
        """Let some take steps."""
        self.play.act((name, which, how))

    @rule(name=st.sampled_from([fault.name for fault in FAULTS]), which=NUMBERS, how=NUMBERS)
    def surprise(self, name, which, how) -> None:
        """Something happens."""
        self.play.act((name, which, how))

    def teardown(self) -> None:
        """When faults stop and the schedule is fair, every job ends and nothing is left behind."""
        try:
            self.play.rest()
        finally:
            self.play.world.close()


def test_protocol(url) -> None:
    """The invariants of section 7 hold under crashes, zombies, duplicates and losses, and every job ends."""
    Protocol.url = url
    run_machine(
        Protocol,
        settings=settings(
            max_examples=6,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.parametrize("seed", range(PLAYS))
def test_play(url, seed) -> None:
    """The same in long random plays, which get deeper than what hypothesis can make small afterwards."""
    perform(url, compose(seed, 80))
