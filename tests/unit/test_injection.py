"""Faults on purpose: off unless asked for, at known points, exactly when they were meant to strike."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixo import injection
from pixo.errors import ConfigError, TryAgain

ROOT = Path(__file__).parents[2]
POINT = "worker.tile"


@pytest.fixture(autouse=True)
def _disarm() -> Iterator[None]:
    yield
    injection.arm({})


def arm(text: str) -> None:
    """Arm one fault at the point."""
    injection.arm({"PIXO_FAULTS": f"{POINT}:{text}"})


def struck(**place: object) -> bool:
    """Pass the point and say whether a mistake was raised there."""
    try:
        injection.point(POINT, **place)
    except injection.Injected:
        return True
    return False


def test_nothing_happens_unless_asked_for() -> None:
    """An environment without the variable arms nothing, and takes away what was armed."""
    arm("raise")

    assert injection.arm({"PIXO_PORT": "1"}) == []
    assert not struck()


@pytest.mark.parametrize(
    ("when", "expected"),
    [("", "1111"), ("@3", "0010"), ("@3-", "0011"), ("@1-2", "1100")],
)
def test_a_fault_strikes_at_the_passes_it_names(when: str, expected: str) -> None:
    """A number is that pass, `n-` from then on, `a-b` from a to b, nothing every pass."""
    arm(f"raise{when}")

    assert "".join(str(int(struck())) for _ in range(4)) == expected


def test_a_fault_strikes_at_the_place_it_names() -> None:
    """Passes elsewhere do not count."""
    arm("raise@tile=3@2")

    assert [struck(job="a", tile=tile) for tile in (3, 2, 2, 3, 3)] == [False, False, False, True, False]


def test_a_fault_strikes_once_in_all_processes(tmp_path: Path) -> None:
    """Whoever makes the file suffers; another process, armed by the same text, does not."""
    arm(f"raise@once={tmp_path / 'mark'}")
    first = [struck(), struck()]
    arm(f"raise@once={tmp_path / 'mark'}")

    assert first == [True, False]
    assert not struck()


def test_a_part_can_be_out_of_reach() -> None:
    """`raise=kafka` is what a broker that is down looks like."""
    arm("raise=kafka")

    with pytest.raises(TryAgain) as caught:
        injection.point(POINT)
    assert caught.value.part == "kafka"


@pytest.mark.parametrize(
    "text",
    ["nowhere:kill", "worker.tile", "worker.tile:burn", "worker.tile:slow", "worker.tile:kill@x", "worker.tile:kill=2"],
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    """A typing error in a test must not look like a system that survives."""
    with pytest.raises(ConfigError, match="PIXO_FAULTS"):
        injection.arm({"PIXO_FAULTS": text})


@pytest.mark.parametrize(
    ("kind", "code"),
    [("kill", -signal.SIGKILL), ("exit", 70), ("exit=3", 3), ("segfault", -signal.SIGSEGV), ("memory=1", 0)],
)
def test_deadly_faults_are_deadly(kind: str, code: int) -> None:
    """The process ends as it would by the real fault, without a word of Python's."""
    script = f"from pixo import injection as i; i.arm({{'PIXO_FAULTS': '{POINT}:{kind}'}}); i.point('{POINT}')"

    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == code


def test_the_points_are_those_of_the_code() -> None:
    """Every point that is passed is documented, every documented one is passed."""
    sources = [path.read_text() for folder in ("pixo", "services") for path in (ROOT / folder).rglob("*.py")]
    passed = {name for text in sources for name in re.findall(r'injection\.point\("([^"]+)"', text)}

    assert passed == set(injection.POINTS)
