"""Counts of requests in the text format of Prometheus."""

from collections import defaultdict
from dataclasses import dataclass, field

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Counters:
    """Requests and seconds by method, route template and status: a bounded set of labels."""

    version: str
    _requests: defaultdict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    _seconds: defaultdict[tuple[str, str, int], float] = field(default_factory=lambda: defaultdict(float))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Add a request."""
        key = (method, route, status)
        self._requests[key] += 1
        self._seconds[key] += seconds

    def text(self) -> str:
        """Return all counters."""
        lines = [
            "# HELP waardhaven_build_info The running version.",
            "# TYPE waardhaven_build_info gauge",
            f'waardhaven_build_info{{version="{self.version}"}} 1',
            "# HELP waardhaven_http_request_duration_seconds From first byte in to last byte out.",
            "# TYPE waardhaven_http_request_duration_seconds summary",
        ]
        for key in sorted(self._requests):
            labels = _labels(*key)
            lines += [
                f"waardhaven_http_request_duration_seconds_count{labels} {self._requests[key]}",
                f"waardhaven_http_request_duration_seconds_sum{labels} {self._seconds[key]:.6f}",
            ]
        return "\n".join([*lines, ""])


def _labels(method: str, route: str, status: int) -> str:
    method = method if method in METHODS else "OTHER"
    escaped = route.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{{method="{method}",route="{escaped}",status="{status}"}}'
