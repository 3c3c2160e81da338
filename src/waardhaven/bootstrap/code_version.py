"""Which code computes: the released version and a digest of the domain sources."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import waardhaven
from waardhaven.domain.index.reproducibility import numeric_fingerprint
from waardhaven.domain.provenance import CodeVersion


@cache
def code_version() -> CodeVersion:
    """Return the version of the running code; the same for every process of one installation."""
    domain = Path(waardhaven.__file__).parent / "domain"
    digest = sha256()
    for path in sorted(domain.rglob("*.py")):
        source = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(domain).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return CodeVersion(
        package=waardhaven.__version__, digest=digest.hexdigest(), fingerprint=numeric_fingerprint()
    )
