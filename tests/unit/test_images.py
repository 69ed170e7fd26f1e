"""The images' files agree with the code and with each other; ``tests/images`` looks at images that were built."""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import pixo
from pixo import settings
from services.standalone import jars
from tests.conftest import VERSITYGW

ROOT = Path(__file__).parents[2]
ROLES = ("web", "worker", "results", "monitor")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTALLING = (ROOT / "requirements" / "environment.sh").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()


def stage(name: str) -> str:
    """Give the lines of a stage of the Dockerfile."""
    return next(text for text in DOCKERFILE.split("\nFROM ") if re.match(rf"\S+ AS {name}\n", text))


def locked(role: str) -> set[str]:
    """Give the distributions that a role's lock names."""
    lines = (ROOT / "requirements" / f"{role}.txt").read_text().splitlines()
    return {line.partition("==")[0].lower() for line in lines if "==" in line}


@pytest.mark.parametrize("role", ROLES)
def test_a_target_holds_its_role_alone(role: str) -> None:
    """It begins the role without a shell, with the role's folder and what the role's lock names."""
    target = stage(role)

    assert f'ENTRYPOINT ["python", "-m", "services.{role}"]' in target
    assert re.findall(r"/app/services/(\w+)/ ", target) == [role]
    assert re.findall(r"--from=(\w+)-environment", target) == [role]
    environment = stage(f"{role}-environment")
    assert re.findall(r"requirements/(\w+)\.txt", environment) == [role, "otel"]
    assert f"RUN sh /locks/environment.sh {role}\n" in environment


def test_every_image_stands_on_the_argument() -> None:
    """No base is written into the file but as the argument's default, which names a version."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    stages = re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE)

    assert set(bases) - set(stages) == {"${PYTHON_IMAGE}"}
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)


def test_no_package_index_is_named() -> None:
    """Where packages come from is the builder's choice."""
    assert not re.search(r"https?://|--(extra-)?index-url|--trusted-host", DOCKERFILE + INSTALLING)


def test_only_what_a_lock_names_is_installed() -> None:
    """By its hash; from source pyvips alone, which has no wheels."""
    assert re.findall(r"--(?:require-hashes|only-binary \S+|no-binary \S+)", INSTALLING) == [
        "--only-binary :all:",
        "--no-binary pyvips",
        "--require-hashes",
    ]


def test_images_run_as_nobody_in_particular() -> None:
    """By number, as a cluster wants to see that it is not root; the last user of every target."""
    assert re.findall(r"^USER (.*)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    assert "\nUSER 10001:10001" in stage("runtime")
    assert all(f"\nFROM runtime AS {role}\n" in DOCKERFILE for role in ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_locks_have_what_roles_import(role: str) -> None:
    """All that the role can reach by imports, its topics command too, is in its lock."""
    distributions = packages_distributions()
    missing = {}
    for module, name in reached([f"services.{role}.__main__", "pixo.topics.__main__"]):
        named = {found.lower().replace("_", "-") for found in distributions.get(name, [])}
        if named and not named & locked(role):
            missing[name] = module

    assert missing == {}


def test_compose_images_are_arguments_with_versions() -> None:
    """Every image can be another one, and none is whatever is newest; versions are those that tests run."""
    images = re.findall(r"^ +image: (.*)$", COMPOSE, re.MULTILINE)
    named = dict(re.fullmatch(r"\$\{(\w+)_IMAGE:-(\S+)\}", image).groups() for image in images)  # type: ignore[union-attr]

    assert named == {
        **{f"PIXO_{role.upper()}": f"pixo-{role}:{pixo.__version__}" for role in ROLES},
        "KAFKA": f"apache/kafka:{jars.VERSION}",
        "VALKEY": named["VALKEY"],
        "S3": f"versity/versitygw:{VERSITYGW}",
    }
    assert re.fullmatch(r"valkey/valkey:\d+\.\d+", named["VALKEY"])


def test_compose_sets_what_there_is_to_set() -> None:
    """Its variables for the roles are settings."""
    given = dict.fromkeys(re.findall(r"^ +(PIXO_\w+):", COMPOSE, re.MULTILINE), "")

    assert "PIXO_KAFKA" in given
    assert settings.unknown(given) == []


def reached(modules: list[str]) -> Iterator[tuple[str, str]]:
    """Follow all imports, late ones too, within Pixo; give the top names outside with who imports them."""
    todo, seen = list(modules), set()
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in imports(module):
            if name.partition(".")[0] not in ("pixo", "services"):
                yield module, name.partition(".")[0]
                continue
            parts = name.split(".")
            parents = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
            todo += [parent for parent in parents if source(parent)]


def source(module: str) -> Path | None:
    """Give a module's file."""
    path = ROOT / module.replace(".", "/")
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def imports(module: str) -> Iterator[str]:
    """Give the names that a module imports, but for those that are for type checkers only."""
    file = source(module)
    assert file is not None, module
    todo: list[ast.AST] = [ast.parse(file.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        todo += ast.iter_child_nodes(node)
