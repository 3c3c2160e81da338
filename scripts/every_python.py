"""Run the test suite on every interpreter from 3.11 to 3.13 that this machine has.

Usage: python scripts/every_python.py [pytest arguments]
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MINORS = (11, 12, 13)


def interpreters() -> dict[str, str]:
    """Return version -> path of the interpreters that start and have venv."""
    found: dict[str, str] = {}
    for minor in MINORS:
        name = f"python3.{minor}"
        candidates = [
            shutil.which(name),
            *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}")),
        ]
        for path in filter(None, candidates):
            works = subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True, check=False)
            if works.returncode == 0:
                found.setdefault(f"3.{minor}", path)
    return found


def run(version: str, path: str, arguments: list[str]) -> int:
    """Install into a fresh environment and run the suite; return pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix=f"waardhaven-py{version}-") as folder:
        venv = Path(folder, "venv")
        python = venv / "bin/python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([path, "-m", "venv", str(venv)], check=True)
        subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements-dev.lock")], check=True)
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)
        environment = {**os.environ, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            [str(python), "-m", "pytest", "-n", "2", "-q", *arguments], cwd=ROOT, env=environment, check=False
        )
        return done.returncode


if __name__ == "__main__":
    codes = {}
    for version, path in interpreters().items():
        print(f"== Python {version}", flush=True)
        codes[version] = run(version, path, sys.argv[1:])
    for version, code in codes.items():
        print(f"Python {version}: {'passed' if code == 0 else f'failed ({code})'}")
    sys.exit(max(codes.values(), default=1))
