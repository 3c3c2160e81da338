"""The API document against the standard it claims to follow, by somebody else's reading of it."""

import msgspec
import pytest
from httpx import AsyncClient
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError


async def test_the_served_document_is_valid_openapi_3_1(client: AsyncClient) -> None:
    served = msgspec.json.decode((await client.get("/openapi.json")).content)
    assert served["openapi"].startswith("3.1.")
    validate(served, cls=OpenAPIV31SpecValidator)


async def test_the_validator_would_notice_a_broken_document(client: AsyncClient) -> None:
    served = msgspec.json.decode((await client.get("/openapi.json")).content)
    served["paths"]["/"]["get"]["responses"] = []
    with pytest.raises(OpenAPIValidationError):
        validate(served, cls=OpenAPIV31SpecValidator)


async def test_every_reference_and_every_tag_of_the_document_exists(client: AsyncClient) -> None:
    text = (await client.get("/openapi.json")).text
    served = msgspec.json.decode(text)
    parts = served["components"]
    known = {f"#/components/{kind}/{name}" for kind, found in parts.items() for name in found}
    used = {piece.partition('"')[0] for piece in text.split('"$ref":"')[1:]}
    assert used <= known
    operations = [one for item in served["paths"].values() for one in item.values()]
    assert {tag for one in operations for tag in one["tags"]} <= {one["name"] for one in served["tags"]}
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
