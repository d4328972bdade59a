"""The data that pages and others read as JSON: what /openapi.json says of it is so, whatever is asked for."""

from __future__ import annotations

from urllib.parse import quote

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from evolve.web.desk import slug
from web import hostile
from web.showroom import COMPARISON, PROBLEM, VERSION, Showroom

CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance]
HEADERS = {"host": "localhost"}
FEW = settings(derandomize=True, max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def test_whatever_is_asked_for(app: FastAPI, showroom: Showroom) -> None:
    api = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS)
    operations = [found.ok() for found in api.get_all_operations()]
    assert len(operations) > 10
    for operation in operations:
        _ask_for(operation, showroom)


def _ask_for(operation: schemathesis.APIOperation, showroom: Showroom) -> None:
    @FEW
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, headers=HEADERS)

    ask()
    for run, problem, version in (
        (showroom.gated, PROBLEM, VERSION),
        (showroom.evil, hostile.PROBLEM, "bad" * 8),
        (showroom.live.run_id, PROBLEM, VERSION[:4]),
    ):
        programs = [line.program_id for line in showroom.archive.programs_of(run, count=8)]
        there = {"slug": slug(problem), "problem": slug(problem), "version": version, "run_id": run, "position": 0}
        there |= {"program": programs[-1], "node": programs[-1], "other": programs[0], "comparison_id": COMPARISON}
        there |= {"control": 0, "program_id": programs[-1]}
        if "{one}" in operation.path:
            there |= {"one": showroom.gated, "other": run}
        names = [one.name for one in operation.path_parameters]
        assert set(names) <= set(there), names
        case = operation.Case(path_parameters={name: quote(str(there[name]), safe="") for name in names})
        answer = case.call_and_validate(checks=CHECKS, headers=HEADERS)
        assert answer.status_code == 200 or answer.status_code == 404, (case.path, answer.text)


def test_what_is_there_is_found(client: TestClient, showroom: Showroom) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert len(paths) >= 3 and all(set(operations) == {"get"} for operations in paths.values())
    assert all(path["get"]["description"] for path in paths.values())
