"""Archives to test: SQLite always, PostgreSQL where `EVOLVE_REQUIRE` names it or a server is given."""

from __future__ import annotations

import glob
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from evolve.core.types import (
    Candidate,
    Cost,
    Measurement,
    ModelReply,
    Promotion,
    Record,
    Result,
    Source,
    Status,
    Ticket,
    Verdict,
)

MakeRecord = Callable[..., Record]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgres: needs a PostgreSQL server (EVOLVE_REQUIRE or EVOLVE_TEST_POSTGRES)")


def build_record(number: int, status: Status = Status.OK, **changes: object) -> Record:
    """A record of ordinary shape, the same for the same number, whose parent is the program of record 0."""
    program = f"{number:04x}" * 8
    ticket = Ticket(number, "expand", ("0000" * 8,) if number else (), (), "mutate", None, number * 7919)
    source = Source({"program.py": f"def f(x):\n    return x * {number}.5\n"}, "f")
    batch = Measurement("5ke1e70n", "constants", 12, 0.025, 0.125)
    candidate = Candidate(ticket, source, "scale it", ("r1",), Cost(0.3, 17, 0.002), (batch,))
    verdict = Verdict(
        status,
        number + 0.1 if status.scored else None,
        {"error": number + 0.1, "operations": 7.0} if status.scored else {},
        "" if status.scored else "what went wrong",
        (Result("train/0", status, number + 0.1 if status.scored else None, 0.25, 0.5, 1 << 33),),
        "train",
        "set",
    )
    values: dict[str, object] = {
        "number": number,
        "ticket": ticket,
        "candidate": candidate,
        "verdict": verdict,
        "program_id": program,
        "skeleton_id": program[:8],
        "outcome": 1.0,
    }
    return Record(**(values | changes))  # type: ignore[arg-type]


def build_reply(ticket: int, attempt: int = 0) -> ModelReply:
    """A reply of ordinary shape, the same for the same ticket and attempt; all requests begin with one message."""
    messages = [{"role": "system", "content": "improve it " * 200}, {"role": "user", "content": f"do {ticket}\n" * 500}]
    text = f"Idea: {attempt}\n```python\nx = {ticket}\n```"
    request = {"model": "x", "messages": messages, "max_tokens": 9}
    return ModelReply(ticket, attempt, "m", request, f"d{ticket}", text, "stop", 1000 + ticket, 20, 5, 0.25, 1.5)


@pytest.fixture
def make_record() -> MakeRecord:
    return build_record


@pytest.fixture
def make_reply() -> Callable[..., ModelReply]:
    return build_reply


@pytest.fixture
def promotion() -> Promotion:
    return Promotion(True, {"error": 0.25}, "gate set", "z = 4")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server with a database `postgres`: the one given, else a private one on a socket."""
    if given := os.environ.get("EVOLVE_TEST_POSTGRES"):
        yield given
        return
    if "postgres" not in os.environ.get("EVOLVE_REQUIRE", "").split(","):
        pytest.skip("PostgreSQL is tested where EVOLVE_REQUIRE names postgres or EVOLVE_TEST_POSTGRES gives a URL")
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    binaries = Path(found[-1]) if found else Path(shutil.which("initdb") or "initdb").parent
    folder = Path(tempfile.mkdtemp(prefix="evolve-pg-"))
    # The server refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def call(*command: str) -> None:
        done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr + done.stdout

    data, log = str(folder / "data"), str(folder / "log")
    call(str(binaries / "initdb"), "-D", data, "-U", "evolve", "-A", "trust", "-E", "UTF8", "--no-sync")
    control = str(binaries / "pg_ctl")
    try:
        call(control, "-D", data, "-l", log, "-w", "-o", f"-k {folder} -c listen_addresses=''", "start")
        yield f"postgresql://evolve@/postgres?host={folder}"
    finally:
        call(control, "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of its own."""
    name = f"test_{secrets.token_hex(4)}"
    url = sqlalchemy.make_url(postgres_server).set(drivername="postgresql+psycopg")
    admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An archive that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "archive.db")
    return str(request.getfixturevalue("postgres_url"))
