#!/bin/sh
# Resolve both lock files: hashes, no index addresses, every interpreter from 3.11 on.
set -eu
resolve() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header "$@"
}
resolve pyproject.toml --group build -o requirements.lock
resolve pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
resolve pyproject.toml --group build --group dev --group bench -c requirements-dev.lock -o requirements-bench.lock
