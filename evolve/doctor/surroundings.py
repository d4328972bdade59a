"""What a run finds around it: settings, the archive and its disk, keys of models by name, recorded workloads."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.core.config import chosen_sandbox, default_archive
from evolve.core.errors import ArchiveError, UsageError
from evolve.doctor import services
from evolve.doctor.findings import Finding, State

if TYPE_CHECKING:
    from sandbox.config import SandboxConfig

BUSY_SECONDS = 2.0
CONNECT_SECONDS = 5
LITTLE_BYTES = 1 << 30
MODEL_KEYS = (
    "ANTHROPIC_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AZURE_API_KEY",
    "CEREBRAS_API_KEY",
    "COHERE_API_KEY",
    "DEEPSEEK_API_KEY",
    "FIREWORKS_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GROQ_API_KEY",
    "HF_TOKEN",
    "MISTRAL_API_KEY",
    "NVIDIA_NIM_API_KEY",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "PERPLEXITYAI_API_KEY",
    "TOGETHERAI_API_KEY",
    "XAI_API_KEY",
)


def chosen() -> SandboxConfig:
    """The sandbox that a run takes where nobody chooses. Raises UsageError where the settings can not be honoured."""
    from sandbox import backends

    return backends.read(chosen_sandbox())


def named(config: SandboxConfig) -> str:
    """What `--sandbox` makes the sandbox of."""
    from sandbox import backends

    return backends.text(config)


def settings(docker: State = State.UNKNOWN) -> Finding:
    """Which sandbox a run takes where nobody chooses, and whether its options can be had; `docker` is the engine's."""
    try:
        config = chosen()
        _check_options(config, docker)
    except UsageError as error:
        return Finding("settings", State.FORBIDDEN, error.message, (error.remedy,), required=True)
    return Finding("settings", State.OK, f"a run takes the sandbox {named(config)}", figures={"sandbox": named(config)})


def _check_options(config: SandboxConfig, docker: State) -> None:
    """Raises UsageError for what no other look sees."""
    from sandbox import backends
    from sandbox.config import BubblewrapConfig, DockerConfig

    if isinstance(config, DockerConfig):
        if docker is State.OK:
            services.check_options(config)
    elif not isinstance(config, BubblewrapConfig):
        backends.create(config).close()


def keys() -> Finding:
    """Which keys of models are set, by name alone."""
    found = [name for name in MODEL_KEYS if os.environ.get(name)]
    if found:
        return Finding("model keys", State.OK, f"set: {', '.join(found)}", figures={"set": found})
    says = "none set; runs without a model need none"
    return Finding("model keys", State.MISSING, says, (f"Type: export {MODEL_KEYS[0]}=...",), figures={"set": []})


def archive(given: str | None) -> Finding:
    """Whether records can be written there, and the version of its schema. Makes and changes nothing."""
    where = default_archive(given)
    path = _path(where)
    try:
        if path is None:
            return _database(where)
        return _existing(where) if path.exists() else _new(path)
    except ArchiveError as error:
        state = State.MISSING if path is None else State.FORBIDDEN
        return Finding("archive", state, error.message, (error.remedy,), required=True)


def postgresql() -> Finding:
    """The driver of PostgreSQL archives."""
    if importlib.util.find_spec("psycopg") is None:
        says = "its driver is not installed; archives in files need none"
        return Finding("PostgreSQL", State.MISSING, says, ("Type: pip install 'evolve-discovery[postgres]'",))
    from importlib.metadata import version

    return Finding("PostgreSQL", State.OK, f"driver psycopg {version('psycopg')}")


def disk(given: str | None) -> Finding:
    """Free bytes where the archive is, or where this is started."""
    folder = _nearest(_path(default_archive(given)) or Path.cwd())
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk space", State.UNKNOWN, f"{folder}: {error.strerror}")
    says, figures = f"{free_bytes / 1e9:.1f} GB free at {folder}", {"free_bytes": free_bytes}
    if free_bytes < LITTLE_BYTES:
        remedy = "Free disk space, or keep the archive elsewhere: --archive PATH"
        return Finding("disk space", State.DEGRADED, says, (remedy,), figures=figures)
    return Finding("disk space", State.OK, says, figures=figures)


def recorded_data() -> Finding:
    """The folder of recorded workloads."""
    named = os.environ.get("EVOLVE_DATA", "")
    folder = Path(named or "data")
    if folder.is_dir():
        return Finding("data", State.OK, f"recorded workloads at {folder.absolute()}")
    if named:
        says = f"EVOLVE_DATA names the folder {named}, which does not exist"
        return Finding("data", State.MISSING, says, ("Type: export EVOLVE_DATA=FOLDER, or: unset EVOLVE_DATA",))
    says = "no recorded workloads; problems make their own"
    return Finding("data", State.MISSING, says, ("Type: export EVOLVE_DATA=FOLDER",))


def _path(where: str) -> Path | None:
    """The file of an archive; None where it is none."""
    if "://" in where:
        import sqlalchemy

        try:
            url = sqlalchemy.make_url(where)
        except (sqlalchemy.exc.ArgumentError, ValueError):
            return None
        where = (url.database or "") if url.get_backend_name() == "sqlite" else ""
    return Path(where).expanduser().absolute() if where else None


def _new(path: Path) -> Finding:
    from archive.connect import check_place

    check_place(path)
    folder = _nearest(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(
            "archive",
            State.FORBIDDEN,
            f"{path} can not be made: {folder}: {error.strerror}",
            ("Make the folder writable, or keep the archive elsewhere: --archive PATH, or export EVOLVE_ARCHIVE=PATH",),
            required=True,
        )
    return Finding("archive", State.OK, f"{path} will be made by the first run", figures={"schema_version": None})


def _existing(where: str) -> Finding:
    import sqlalchemy

    from archive import connect, schema
    from archive.errors import reported

    database = connect.connect(where, create=False, busy_seconds=BUSY_SECONDS)
    try:
        # Changes no row, and is refused where rows may not be changed.
        nothing = sqlalchemy.update(schema.meta).where(schema.meta.c.key == "").values(value="")
        with reported(database.where), database.writing.connect() as connection, connection.begin() as transaction:
            connection.execute(nothing)
            transaction.rollback()
    finally:
        database.close()
    says = f"{database.where} can be read and written, schema version {schema.VERSION}"
    return Finding("archive", State.OK, says, figures={"schema_version": schema.VERSION})


def _database(where: str) -> Finding:
    """A server's database, in which an archive may not have been made yet."""
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    from archive import schema
    from archive.errors import translate

    try:
        url = sqlalchemy.make_url(where)
        options: Mapping[str, Any] = {"connect_args": {"connect_timeout": CONNECT_SECONDS}}
        engine = sqlalchemy.create_engine(url.set(drivername="postgresql+psycopg"), **options)
        hidden = url.render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError, ImportError):
        return _existing(where)  # which says what is wrong with it
    try:
        with engine.connect() as connection:
            tables = set(sqlalchemy.inspect(connection).get_table_names())
    except SQLAlchemyError as error:
        raise translate(error, hidden) from None
    finally:
        engine.dispose()
    if tables & {table.name for table in schema.metadata.sorted_tables}:
        return _existing(where)
    says = f"{hidden} answers; the first run will make its tables"
    return Finding("archive", State.OK, says, figures={"schema_version": None})


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest above that exists."""
    return next(one for one in (path, *path.parents) if os.path.lexists(one))
