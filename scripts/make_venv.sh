#!/bin/sh
# Make a virtual environment with the first Python >= 3.11 that has venv. Usage: make_venv.sh DIRECTORY
set -eu
usable() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
    usable "$python" || continue
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        exec "$python" -m venv "$1"
    fi
    lacking=$python
done
if [ -n "${lacking:-}" ]; then
    echo "Python's venv module is missing: install the package $(basename "$lacking")-venv (Debian, Ubuntu)." >&2
else
    echo "Python 3.11 or newer is needed: install the packages python3 and python3-venv." >&2
fi
exit 1
