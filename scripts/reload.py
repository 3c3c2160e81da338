"""Run a command and start it again when a Python file below the given folders changes.

Usage: python scripts/reload.py FOLDER... -- COMMAND [ARGUMENT...]
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

PAUSE_SECONDS = 0.5


def stamps(folders: list[str]) -> dict[Path, int]:
    """Return when each source file was last changed."""
    files = (path for folder in folders for path in Path(folder).rglob("*.py"))
    return {path: path.stat().st_mtime_ns for path in files if path.exists()}


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the command to stop and wait for it."""
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def main() -> int:
    """Loop until interrupted; return the command's last exit code."""
    cut = sys.argv.index("--")
    folders, command = sys.argv[1:cut], sys.argv[cut + 1 :]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    seen, process = stamps(folders), subprocess.Popen(command)
    try:
        while True:
            time.sleep(PAUSE_SECONDS)
            now = stamps(folders)
            if now != seen:
                seen = now
                print("source changed, starting again", flush=True)
                if process.poll() is None:
                    stop(process)
                process = subprocess.Popen(command)
    except KeyboardInterrupt:
        return process.wait(30)
    finally:
        if process.poll() is None:
            stop(process)


if __name__ == "__main__":
    sys.exit(main())
