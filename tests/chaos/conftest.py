"""One broker and one installation that most scenarios share; each finds it whole and leaves it to be mended."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.chaos import brokers
from tests.chaos.figures import Figures, table
from tests.chaos.installation import Installation
from tests.chaos.parts import Part
from tests.chaos.pictures import Pictures
from tests.chaos.run import Run

FIGURES = "figures"
"""The property of a test's report under which what it measured travels to where the table is printed."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    told = [value for one in reports if one.when == "call" for name, value in one.user_properties if name == FIGURES]
    rows = sorted(Figures(*row) for row in told)
    if rows:
        terminalreporter.section("measured")
        for line in table(rows):
            terminalreporter.write_line(line)


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Figures], None]:
    """Give what keeps figures for the table at the end."""
    return lambda row: request.node.user_properties.append((FIGURES, list(row)))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Give the pictures of all jobs."""
    return Pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def java() -> None:
    """Skip, outside CI, where there is no Kafka to be had."""
    if (shutil.which("java") is None or shutil.which("mvn") is None) and not os.environ.get("CI"):
        pytest.skip("Java or Maven is not installed")


@pytest.fixture(scope="session")
def kafka(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Part, str]]:
    """Give a real Apache Kafka that tests may kill, and its address."""
    part, address = brokers.single(tmp_path_factory.mktemp("kafka"))
    part.up()
    yield part, address
    part.stop()


@pytest.fixture(scope="session")
def shared(kafka: tuple[Part, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give the installation that scenarios share."""
    made = Installation(tmp_path_factory.mktemp("pixo"), kafka[1])
    yield made
    made.close()


@pytest.fixture
def pixo(kafka: tuple[Part, str], shared: Installation) -> Iterator[Installation]:
    """Give the shared installation, whole: all parts run, all workers have their share."""
    kafka[0].up()
    shared.start()
    yield shared
    print(shared.tails())  # noqa: T201 - pytest shows it when the test fails


@pytest.fixture(scope="module")
def start(kafka: tuple[Part, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Installation]]:
    """Give a function that starts an installation of this module's own, with other settings."""
    with ExitStack() as stack:

        def begin(address: str = kafka[1], **options: Any) -> Installation:
            made = Installation(tmp_path_factory.mktemp("own"), address, **options)
            stack.callback(made.close)
            made.start()
            return made

        yield begin


@pytest.fixture
def begin_run(
    request: pytest.FixtureRequest, pictures: Pictures, keep: Callable[[Figures], None]
) -> Iterator[Callable[[Installation], Run]]:
    """Give a function that begins a run of this test through an installation."""
    with ExitStack() as stack:

        def begin(installation: Installation) -> Run:
            file = request.path.stem.removeprefix("test_")
            scenario = f"{file}: {request.node.name.removeprefix('test_')}"
            return stack.enter_context(Run(installation, pictures, keep, scenario))

        yield begin


@pytest.fixture
def run(pixo: Installation, begin_run: Callable[[Installation], Run]) -> Run:
    """Give a run of this test through the shared installation."""
    return begin_run(pixo)
