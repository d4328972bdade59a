"""Images made of this machine's own files: what is in them, that they are made once, and that only ours are removed."""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source, Status
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.docker import engine as docker_engine
from sandbox.docker import files as docker_files
from sandbox.docker import images as docker_images
from sandbox.docker.engine import Engine
from sandbox.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
PLACE = PurePosixPath("/opt/packages")
VERSION = platform.python_version()


def test_the_tag_says_what_is_inside() -> None:
    one, two = docker_images.tag(()), docker_images.tag(("numpy",))
    assert one != two
    assert two == docker_images.tag(("numpy",))
    assert one.startswith("evolve-sandbox:")
    with pytest.raises(ProblemError, match="not-here is not installed"):
        docker_images.tag(("not-here",))


def test_the_tag_changes_with_the_files_and_not_with_what_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about, module = tmp_path / "zpkg-1.0.dist-info", tmp_path / "zpkg" / "__init__.py"
    about.mkdir(), module.parent.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: zpkg\nVersion: 1.0\n")
    (about / "RECORD").write_text("zpkg/__init__.py,,\nzpkg-1.0.dist-info/METADATA,,\nzpkg-1.0.dist-info/RECORD,,\n")
    module.write_text("A = 1")
    monkeypatch.syspath_prepend(tmp_path)
    tags = [docker_images.tag(("zpkg",))]
    (module.parent / "__pycache__").mkdir()
    (module.parent / "__pycache__" / "zpkg.pyc").write_bytes(b"compiled")
    assert docker_images.tag(("zpkg",)) == tags[0]
    module.write_text("A = 22")
    tags.append(docker_images.tag(("zpkg",)))
    # An installer that keeps dates and a change that keeps the size.
    status = (about / "RECORD").stat()
    (about / "RECORD").write_text((about / "RECORD").read_text().replace("__init__.py,,", "__init__.py,x"))
    os.utime(about / "RECORD", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (about / "RECORD").stat().st_size == status.st_size
    tags.append(docker_images.tag(("zpkg",)))
    assert len(set(tags)) == 3


def test_the_lock_of_builders_is_kept_where_nobody_else_can_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told: list[bool] = []
    with docker_images._one_at_a_time(lambda: told.append(True)):
        assert not told
        monkeypatch.setattr(docker_images, "LOCK_SECONDS", 0.2)
        with (
            pytest.raises(InfrastructureError, match="another process") as caught,
            docker_images._one_at_a_time(lambda: told.append(True)),
        ):
            pass
    assert told == [True]
    folder = tmp_path / "evolve-sandbox"
    assert str(folder) in caught.value.remedy
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(UsageError, match="not a folder of this user alone"), docker_images._one_at_a_time(list):
        pass
    folder.chmod(0o700)
    folder.rename(tmp_path / "other")
    folder.symlink_to(tmp_path / "other")
    with pytest.raises(UsageError, match="not a folder of this user alone"), docker_images._one_at_a_time(list):
        pass
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    with pytest.raises(UsageError, match="can not be made"), docker_images._one_at_a_time(list):
        pass


def test_nothing_of_ours_or_of_other_packages_is_inside() -> None:
    places = [place for _, place in docker_files.listing(("numpy",))]
    assert len(places) == len(set(places))
    packages = {place.relative_to(PLACE).parts[0] for place in places if place.is_relative_to(PLACE)}
    assert {"numpy", "numpy.libs"} <= packages
    assert all(name.startswith("numpy") for name in packages)
    assert not [place for place in places if "site-packages" in place.parts or "dist-packages" in place.parts]
    assert not [place for place in places if "sandbox" in place.parts or "evolve" in place.parts]
    assert docker_files.Interpreter().executable_inside in places


def test_every_library_that_is_asked_for_is_inside() -> None:
    files = docker_files.listing(("numpy",))
    inside = {str(place) for _, place in files} | {str(source) for source, _ in files}
    extensions = [str(source) for source, place in files if place.name.endswith(".so")][:20]
    said = subprocess.run(["ldd", *extensions], capture_output=True, text=True, check=False).stdout
    found = {os.path.normpath(name) for name in docker_files._LOADED.findall(said)}
    assert found
    assert found <= inside


def test_the_stream_is_a_tar_archive_of_files_that_nobody_owns(tmp_path: Path) -> None:
    program, text = tmp_path / "program", tmp_path / "text"
    program.write_bytes(b"#!")
    program.chmod(0o700)
    text.write_bytes(b"x" * 100_000)
    text.chmod(0o600)
    files = [(program, PurePosixPath("/bin/program")), (text, PurePosixPath("/opt/text"))]
    with tarfile.open(fileobj=io.BytesIO(b"".join(docker_files.stream(files)))) as archive:
        members = {one.name: one for one in archive.getmembers()}
        read = archive.extractfile("opt/text")
        assert read is not None
        assert read.read() == b"x" * 100_000
    assert members["bin/program"].mode == 0o755
    assert members["opt/text"].mode == 0o644
    assert {(one.uid, one.gid) for one in members.values()} == {(0, 0)}
    assert members["tmp"].mode == 0o1777


@pytest.mark.docker
def test_an_image_is_made_once_and_says_what_it_is_doing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_images, "REPOSITORY", "evolve-test-made-once")
    said: list[str] = []
    name = docker_images.ensure(engine, (), said.append)
    try:
        assert name.startswith("evolve-test-made-once:")
        # Another test process may be making an image of its own just now, and is waited for.
        assert next(one for one in said if "waiting" not in one).endswith(f"collecting files of Python {VERSION}")
        assert said[-1].endswith("done")
        before = engine.api.inspect_image(name)["Id"]
        said.clear()
        assert docker_images.ensure(engine, (), said.append) == name
        assert not said
        assert engine.api.inspect_image(name)["Id"] == before
        (found,) = (one for one in docker_images.images(engine) if one.tag == name)
        assert (found.packages, found.used) == ((), False)
        assert found.python == VERSION
        assert found.size_bytes > 10_000_000
    finally:
        engine.api.remove_image(name)


@pytest.mark.docker
def test_an_image_that_is_removed_meanwhile_is_made_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_images, "REPOSITORY", "evolve-test-made-again")
    source = Source({"program.py": "def solve(value):\n    return value\n"}, "solve")
    with closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox:
        try:
            for number in range(2):
                with closing(sandbox.open(source, Limits())) as session:
                    assert session.call("solve", number).value == number
                name = docker_images.tag(())
                engine.api.remove_image(name, force=True)
        finally:
            if docker_images.exists(engine, name):
                engine.api.remove_image(name, force=True)


@pytest.fixture
def separate(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two small images of ours, of a kind that nobody else has, and one without the label."""
    monkeypatch.setattr(docker_engine, "IMAGE_LABEL", "evolve.sandbox.test")
    with tarfile.open(fileobj=(data := io.BytesIO()), mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    names = []
    for number, label in enumerate(("evolve.sandbox.test", "evolve.sandbox.test", "other")):
        name = f"evolve-test-clean:{number}"
        changes = [f'LABEL {label}="{name}"']
        engine.api.import_image_from_data(data.getvalue(), *name.split(":"), changes=changes)
        names.append(name)
    yield names
    for name in names:
        if docker_images.exists(engine, name):
            engine.api.remove_image(name, force=True)


@pytest.mark.docker
def test_only_ours_are_removed_and_not_those_in_use(engine: Engine, separate: list[str]) -> None:
    unused, used, other = separate
    container = engine.api.create_container(used, "/none", network_disabled=True)["Id"]
    try:
        gone, kept = docker_images.clean(engine)
        assert ([one.tag for one in gone], [one.tag for one in kept]) == ([unused], [used])
        assert [docker_images.exists(engine, name) for name in separate] == [False, True, True]
    finally:
        engine.remove(container)
    assert [one.tag for one in docker_images.clean(engine)[0]] == [used]
    assert docker_images.exists(engine, other)


@pytest.mark.docker
def test_what_users_build_from_ours_is_theirs(engine: Engine, separate: list[str]) -> None:
    ours = separate[0]
    made = [*_derived(engine, ours, "evolve-test-users:1"), *_derived(engine, ours, None)]
    engine.api.tag(separate[1], "evolve-test-users", "2")
    dangling = engine.api.inspect_image(separate[1])["Id"]
    # A name of theirs for an image of ours, without ours.
    engine.api.remove_image(separate[1])
    try:
        assert [one.tag for one in docker_images.images(engine)] == [ours]
        engine.sweep()
        assert all(docker_images.exists(engine, one) for one in [*made, "evolve-test-users:2"])
        engine.api.tag("evolve-test-users:2", *separate[1].split(":"))
        engine.api.remove_image("evolve-test-users:2")
        with tarfile.open(fileobj=(data := io.BytesIO()), mode="w") as archive:
            archive.addfile(tarfile.TarInfo("other"))
        engine.api.import_image_from_data(data.getvalue(), *separate[1].split(":"))
        assert docker_images.exists(engine, dangling)
        engine.sweep()
        assert not docker_images.exists(engine, dangling)
        assert all(docker_images.exists(engine, one) for one in made)
    finally:
        for one in [*made, "evolve-test-users:2"]:
            if docker_images.exists(engine, one):
                engine.api.remove_image(one, force=True)


def _derived(engine: Engine, base: str, name: str | None) -> list[str]:
    text = f"FROM {base}\nENV A={name}\n".encode()
    said = list(engine.api.build(fileobj=io.BytesIO(text), tag=name, network_mode="none", rm=True, decode=True))
    (made,) = (one["aux"]["ID"] for one in said if "aux" in one)
    return [made]


@pytest.mark.docker
def test_a_build_that_the_engine_can_not_use_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_images, "REPOSITORY", "evolve-test-elsewhere")
    engine.info["KernelVersion"] = "of a virtual machine"
    with pytest.raises(UsageError, match="does not run in the engine's") as caught:
        docker_images.ensure(engine, ())
    assert (ROOT / "sandbox" / "docker" / "Dockerfile").is_file()
    assert str(ROOT / "sandbox" / "docker" / "Dockerfile") in caught.value.remedy


@pytest.mark.docker
def test_the_dockerfile_makes_an_image_that_runs(engine: Engine) -> None:
    """Its base is an image of ours with a shell, because none can be counted on to be pulled."""
    shell = Path("/bin/sh").resolve()
    interpreter = docker_files.Interpreter()
    base, name = "evolve-test-base:1", "evolve-test-dockerfile:1"
    files = [*docker_files.listing(()), (shell, PurePosixPath("/bin/sh"))]
    changes = [f"ENV LD_LIBRARY_PATH={interpreter.library_inside}"]
    changes += [f"ENV PATH={interpreter.executable_inside.parent}:/bin"]
    link = tarfile.TarInfo(str(interpreter.executable_inside.parent / "python3").lstrip("/"))
    link.type, link.linkname = tarfile.SYMTYPE, interpreter.executable_inside.name
    data = b"".join(docker_files.stream(files))
    with tarfile.open(fileobj=(extra := io.BytesIO()), mode="w") as archive:
        if interpreter.executable_inside.name != "python3":
            archive.addfile(link)
    # An archive ends with empty blocks, which the next one takes the place of.
    end = len(data.rstrip(b"\0"))
    data = data[: end + -end % 512] + extra.getvalue()
    try:
        engine.api.import_image_from_data(data, *base.split(":"), changes=changes)
        text = (ROOT / "sandbox" / "docker" / "Dockerfile").read_bytes()
        given = {"tag": name, "buildargs": {"BASE": base}, "network_mode": "none", "rm": True, "decode": True}
        said = list(engine.api.build(fileobj=io.BytesIO(text), **given))
        assert docker_images.exists(engine, name), json.dumps(said[-3:])
        with closing(DockerSandbox(config=DockerConfig(image=name, pool=0))) as sandbox:
            source = Source({"program.py": "def solve(value):\n    return value + 1\n"}, "solve")
            with closing(sandbox.open(source, Limits())) as session:
                assert session.call("solve", 1).value == 2
            missing = Source({"program.py": "import numpy\ndef solve(): return 1\n"}, "solve")
            with closing(sandbox.open(missing, Limits())) as session:
                reply = session.call("solve")
                assert (reply.status, "No module named 'numpy'" in reply.error) == (Status.CRASHED, True)
    finally:
        for one in (name, base):
            if docker_images.exists(engine, one):
                engine.api.remove_image(one, force=True)


@pytest.mark.docker
def test_the_command_line_builds_lists_and_says_json(image: str) -> None:
    def evolve(*arguments: str) -> str:
        command = [sys.executable, "-m", "evolve", "sandbox", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert image in evolve("build")
    assert json.loads(evolve("build", "--json"))["tag"] == image
    assert image in {one["tag"] for one in json.loads(evolve("list", "--json"))}
    assert image in evolve("list")
