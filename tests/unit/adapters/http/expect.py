from typing import Any

from httpx import Response

REQUIRED = {"type", "title", "status", "detail", "code", "instance", "correlation_id", "errors"}


def problem(response: Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Return the problem document, checked for everything a problem must have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body.keys() >= REQUIRED
    assert body["status"] == status
    assert body["correlation_id"] == response.headers["x-correlation-id"]
    assert body["detail"]
    assert "Traceback" not in response.text
    if code is not None:
        assert body["code"] == code
    return body


def fields(body: dict[str, Any]) -> set[str]:
    """Return the names of the bad fields."""
    return {error["field"] for error in body["errors"]}
