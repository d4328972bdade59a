"""`evolve publish`: the pages as files."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from archive.store import Archive
from evolve.core.errors import UsageError
from evolve.web.app import create_app
from evolve.web.linking import addresses, file_of, relinked, without_absent
from evolve.web.site import MARK, Published, publish
from web import hostile
from web.showroom import Showroom

LINKS = re.compile(r'\s(?:href|src|data-plot|data-tree)="([^"]*)"')


@pytest.fixture(scope="module")
def site(showroom: Showroom, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Published]:
    """The showroom as files, with the pages of few programs."""
    folder = tmp_path_factory.mktemp("site") / "board"
    return folder, publish(showroom.archive, folder, programs=12)


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def test_every_link_leads_to_a_file(site: tuple[Path, Published]) -> None:
    folder, _ = site
    met = set()
    for page in pages(folder):
        for link in LINKS.findall(page.read_text()):
            assert not link.startswith("/"), (page, link)
            if "://" not in link and not link.startswith("#"):
                target = (page.parent / unescape(link).partition("#")[0].partition("?")[0]).resolve()
                assert target.is_file() and folder in target.parents, (page, link)
                met.add(target)
    assert len(met) > 60


def test_it_has_the_pages_and_no_more_programs_than_wanted(site: tuple[Path, Published], showroom: Showroom) -> None:
    folder, done = site
    programs = {path.name for path in (folder / "programs").iterdir()}
    assert len(programs) == done.programs == 12 and done.left_out > 0 and done.broken == ()
    # Those of leaderboards come first.
    with TestClient(create_app(showroom.archive), base_url="http://localhost") as client:
        board = client.get("/problems/function-approximation~exp2").text
    wanted = set(re.findall(r'href="/programs/([0-9a-f]{32})"', board))
    assert wanted & programs
    for name in ("index.html", "runs/index.html", f"runs/{showroom.gated}/index.html", "compare/index.html", MARK):
        assert (folder / name).is_file(), name
    assert (folder / f"runs/{showroom.gated}/lineage.json").is_file()
    assert not list(folder.rglob("live")) and not (folder / "openapi.json").exists()
    assert done.files == sum(one.is_file() for one in folder.rglob("*")) - 1


def test_no_foreign_text_is_the_name_of_a_file_or_a_script(site: tuple[Path, Published]) -> None:
    folder, _ = site
    names = {part for path in folder.rglob("*") for part in path.relative_to(folder).parts}
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_~-]*(\.min)?(\.[a-z]+)?", name) for name in names)
    assert "x-" + "0" * 16 not in names and any(name.startswith("x-") for name in names)
    for page in pages(folder):
        text = page.read_text()
        assert hostile.SCRIPT not in text and "<img" not in text and " action=" not in text and "data-watch" not in text
        assert '<meta http-equiv="content-security-policy"' in text


def test_a_folder_that_it_did_not_make_is_kept(
    showroom: Showroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="was not made by evolve publish"):
        publish(showroom.archive, folder, programs=1)
    assert [one.name for one in tmp_path.iterdir()] == ["site"] and (folder / "mine.txt").read_text() == "mine"
    for wrong, words in ((folder / "mine.txt", "is a file"), (Path(showroom.where).parent, "holds the archive")):
        with pytest.raises(UsageError, match=words):
            publish(showroom.archive, wrong, force=True)
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match="the working directory"):
        publish(showroom.archive, Path(), force=True)


def test_it_replaces_what_it_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        folder = tmp_path / "new" / "site"
        publish(archive, folder)
        assert "holds no run yet" in (folder / "index.html").read_text()
        (folder / "old.txt").write_text("old")
        with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="in the middle"):
            patch.setattr("evolve.web.site._Crawl.relink", _fail)
            publish(archive, folder)
        assert (folder / "old.txt").exists() and len(list(folder.parent.iterdir())) == 1
        publish(archive, folder)
        assert not (folder / "old.txt").exists() and len(list(folder.parent.iterdir())) == 1
        assert folder.stat().st_mode & 0o555 == 0o555
        (folder / MARK).unlink()
        publish(archive, folder, force=True)
        with pytest.raises(UsageError, match="leaves nothing"):
            publish(archive, folder, programs=0)


def _fail(crawl: object) -> None:
    raise RuntimeError("in the middle")


def test_on_the_command_line(tmp_path: Path) -> None:
    from evolve.cli.app import app

    Archive.open(tmp_path / "archive.db").close()
    arguments = ["publish", str(tmp_path / "a b"), "--archive", str(tmp_path / "archive.db")]
    first, second = (CliRunner().invoke(app, [*arguments, *more]) for more in ([], ["--json"]))
    assert first.exit_code == second.exit_code == 0, first.output + second.output
    assert "http.server --directory" in first.stdout and f"'{tmp_path / 'a b'}'" in first.stdout
    assert '"programs": 0' in second.stdout and '"broken": []' in second.stdout
    missing = CliRunner().invoke(app, ["publish", str(tmp_path / "x"), "--archive", str(tmp_path / "none.db")])
    assert missing.exit_code == 1 and "there is no archive" in missing.stderr and not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("address", "kind", "wanted"),
    [
        ("/", "text/html", "index.html"),
        ("/runs/0a1b", "text/html", "runs/0a1b/index.html"),
        ("/runs/0a1b/curve.json", "application/json", "runs/0a1b/curve.json"),
        ("/problems/a~b/5eed", "text/html", "problems/a~b/5eed/index.html"),
        ("/static/plotly.min.js?v=1", "text/javascript", "static/plotly.min.js"),
    ],
)
def test_files_of_addresses(address: str, kind: str, wanted: str) -> None:
    assert file_of(address, kind) == wanted


@pytest.mark.parametrize(
    "name", ["..", ".", "%2e%2e", "a%2fb", ".htaccess", "A", "con%00", "%3Cimg", "~root", "x" * 101, "a.b"]
)
def test_parts_that_are_not_plain_become_digests(name: str) -> None:
    assert re.fullmatch(r"problems/x-[0-9a-f]{16}/index\.html", file_of(f"/problems/{name}", "text/html"))
    assert re.fullmatch(r"problems/x-[0-9a-f]{16}/board\.csv", file_of(f"/problems/{name}/board.csv", "text/csv"))


def test_links_are_relative_and_those_to_nothing_are_none() -> None:
    text = " &#34; href=&#34;/x"
    page = f'<html data-root="/"><a href="/runs/1#L2">x</a> <a href="/gone">y</a> <b data-plot="/runs/1/c.json">{text}'
    assert list(addresses(page)) == ["/runs/1", "/gone", "/runs/1/c.json"]
    files = {"/runs/1": "runs/1/index.html", "/runs/1/c.json": "runs/1/c.json"}
    assert relinked(page, "programs/2/index.html", files) == (
        '<html data-root="../.."><a href="../../runs/1/index.html#L2">x</a> <a data-absent="href">y</a>'
        f' <b data-plot="../../runs/1/c.json">{text}'
    )
    assert relinked('<html data-root="/">', "index.html", {}) == '<html data-root=".">'


def test_data_name_no_page_that_is_not_there() -> None:
    text = b'{"a":["/programs/1","/programs/2","x /programs/2"],"b":{"c":"/programs/2"}}'
    known = {"/programs/1"}.__contains__
    assert without_absent(text, known) == b'{"a":["/programs/1",null,"x /programs/2"],"b":{"c":null}}'
    assert without_absent(b'{"a": 1}', known) == b'{"a": 1}'
