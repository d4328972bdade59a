"""The data that pages and others read as JSON: what /openapi.json says of it is so, whatever is asked for."""

from __future__ import annotations

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient
from web import hostile
from web.showroom import COMPARISON, PROBLEM, VERSION, Showroom

from evolve.web.desk import slug

CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance]
HEADERS = {"host": "localhost"}
FEW = settings(
    derandomize=True, max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="session")
def api(app: FastAPI) -> schemathesis.BaseSchema:
    """What the application says of itself."""
    return schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@FEW
def test_whatever_is_asked_for(case: schemathesis.Case, showroom: Showroom) -> None:
    case.call_and_validate(checks=CHECKS, headers=HEADERS)
    for run, problem, version in (
        (showroom.gated, PROBLEM, VERSION),
        (showroom.evil, hostile.PROBLEM, "bad" * 8),
        (showroom.live.run_id, PROBLEM, VERSION[:4]),
    ):
        programs = [line.program_id for line in showroom.archive.programs_of(run, count=8)]
        there = {"slug": slug(problem), "version": version, "run_id": run, "program_id": programs[-1]}
        there |= {"other": programs[0], "comparison": COMPARISON, "first": showroom.compared[0]}
        for name in case.path_parameters or {}:
            case.path_parameters[name] = there.get(name, 0)
        case.call_and_validate(checks=CHECKS, headers=HEADERS)


def test_what_is_there_is_found(client: TestClient, showroom: Showroom) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert len(paths) >= 3 and all(set(operations) == {"get"} for operations in paths.values())
    assert all(path["get"]["description"] for path in paths.values())
