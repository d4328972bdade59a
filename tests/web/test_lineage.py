"""The lineage page and its data, over an archive that was written here."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from archive.store import Archive
from evolve.core.config import OBJECTIVES
from evolve.core.errors import ArchiveError
from evolve.core.types import Candidate, Promotion, Record, Source, Status, Ticket, Verdict
from evolve.web import kept, lineage
from evolve.web.app import create_app
from evolve.web.kept import Kept
from web import hostile

ONE = {OBJECTIVES: [{"metric": "cost", "direction": "minimize"}]}


def name(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"


def record(number: int, parent: int | None, value: float | None, **changes: Any) -> Record:
    above = () if parent is None else (name(parent),)
    ticket = Ticket(number, "expand", above, (), changes.pop("operator", "mutate"), changes.pop("model", None), number)
    candidate = Candidate(ticket, Source({"program.py": f"x = {number}\n"}, "f"), changes.pop("idea", f"idea {number}"))
    if value is None:
        verdict = Verdict(Status.CRASHED, None, {}, "it fell over", stage="train", evaluation_set="set")
    else:
        verdict = Verdict(Status.OK, value, {"cost": value}, stage="train", evaluation_set="set")
    outcome = changes.pop("outcome", 0.0 if value is None else 1.0)
    return Record(number, ticket, candidate, verdict, name(number), name(number)[:16], outcome=outcome, **changes)


def write(archive: Archive, records: list[Record], config: Mapping[str, Any] = ONE, end: bool = True) -> str:
    run_id = archive.begin_run(problem="demo/tree", problem_version="ab" * 16, config=config, run_seed=len(records))
    for one in records:
        archive.journal(run_id, one.ticket)
        archive.commit(run_id, one)
    archive.flush()
    if end:
        archive.end_run(run_id, "evaluations", 1.0)
    return run_id


@dataclass(frozen=True)
class Shop:
    """The application over an archive with these runs."""

    archive: Archive
    client: TestClient
    tree: str
    gated: str
    evil: str
    empty: str
    single: str
    chain: str
    old: str

    def picture(self, run: str, program: str = "") -> dict[str, Any]:
        answer = self.client.get(f"/runs/{run}/lineage/{program}.json" if program else f"/runs/{run}/lineage.json")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    archive = Archive.open(tmp_path_factory.mktemp("lineage") / "archive.db")
    tree = [record(0, None, 9.0), record(1, 0, 7.0), record(2, 0, None), record(3, 1, 8.0), record(4, 3, 5.0)]
    passed, refused = Promotion(True, {"cost": 6.5}, "gate", "better"), Promotion(False, {"cost": 9.0}, "gate", "no")
    gated = [record(0, None, 9.0), record(1, 0, 7.0, promotion=passed), record(2, 1, 6.0, promotion=refused)]
    evil = [record(0, None, 2.0), record(1, 0, 1.0, idea=hostile.STORED, operator=hostile.STORED, model=hostile.STORED)]
    long = [record(number, number - 1 if number else None, 1000.0 - number) for number in range(300)]
    made = Shop(
        archive,
        TestClient(create_app(archive), base_url="http://localhost", raise_server_exceptions=False),
        write(archive, tree),
        write(archive, gated, end=False),
        write(archive, evil),
        write(archive, []),
        write(archive, [record(0, None, 1.0)]),
        write(archive, long),
        write(archive, tree, {}),
    )
    with made.client:
        yield made
    archive.close()


def test_the_picture_has_every_program_and_the_path_to_the_champion(shop: Shop) -> None:
    said = shop.picture(shop.tree)
    items = said["items"]
    assert items["ids"] == [name(number) for number in range(5)]
    assert items["parents"] == [-1, 0, 0, 1, 3]
    assert items["depths"] == [0, 1, 1, 2, 3]
    assert [said["statuses"][status] for status in items["status"]] == ["ok", "ok", "crashed", "ok", "ok"]
    assert items["values"] == [9.0, 7.0, None, 8.0, 5.0]
    assert items["ranks"] == [250, 750, None, 500, 1000]
    assert items["programs"] == [5, 3, 1, 2, 1]
    assert items["outcomes"] == [4, 2, 0, 1, 0]
    assert items["posteriors"] == [667, 750, 500, 667, 500]
    assert said["path"] == [0, 1, 3, 4]
    assert (said["metric"], said["failures"], said["pages"]) == ("cost", 1, None)


def test_the_page_lists_the_path_with_the_gain_of_each_step(shop: Shop) -> None:
    page = shop.client.get(f"/runs/{shop.tree}/lineage")
    assert page.status_code == 200
    rows = re.findall(r"<tr>(.*?)</tr>", page.text, re.DOTALL)[1:]
    cells = [[re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?>(.*?)</td>", row)] for row in rows]
    assert [row[4] for row in cells] == ["-", "+2", "-1", "+3"]
    assert [row[0] for row in cells] == ["0", "1", "3", "4"]
    assert f'href="/programs/{name(4)}"' in page.text
    assert f'href="#{name(4)}"' in page.text
    assert f'data-tree="/runs/{shop.tree}/lineage.json"' in page.text
    assert "style=" not in page.text


def test_the_champion_of_a_run_that_goes_on_is_what_its_gate_let_through(shop: Shop) -> None:
    assert shop.picture(shop.gated)["path"] == [0, 1]


def test_a_program_can_be_asked_for_by_the_beginning_of_its_id(shop: Shop) -> None:
    assert shop.picture(shop.tree, name(3))["focus"] == 3
    assert shop.picture(shop.tree, name(3)[:8])["focus"] == 3
    assert shop.picture(shop.tree)["focus"] is None


def test_what_is_folded_up_is_found_by_its_id(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "layout", lambda *a, **k: layout(*a, 6, **k))
    from evolve.web.tree_layout import layout

    whole = shop.picture(shop.chain)
    # The way to the champion is longer than what may be drawn: its beginning is there, and the rest in one bundle.
    assert len(whole["items"]["ids"]) == 4
    assert whole["items"]["programs"][-1] == 297
    assert sum(whole["items"]["hidden"]) == 1


def test_a_node_says_who_made_it_and_why(shop: Shop) -> None:
    node = shop.client.get(f"/runs/{shop.tree}/lineage/node/{name(1)}.json").json()
    assert node == {
        "program_id": name(1),
        "record": 1,
        "status": "ok",
        "metric": "cost",
        "value": 7.0,
        "text": "7",
        "operator": "mutate",
        "model": None,
        "idea": "idea 1",
        "children": 1,
        "programs": 3,
        "evaluations": 3.0,
        "outcomes": 2.0,
        "posterior": 0.75,
    }
    failed = shop.client.get(f"/runs/{shop.tree}/lineage/node/{name(2)}.json").json()
    assert (failed["status"], failed["value"], failed["text"]) == ("crashed", None, "-")


def test_hostile_words_stay_words(shop: Shop) -> None:
    page = shop.client.get(f"/runs/{shop.evil}/lineage").text
    assert "<img" not in page
    assert "</script><script>" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    node = shop.client.get(f"/runs/{shop.evil}/lineage/node/{name(1)}.json").json()
    for words in (node["idea"], node["operator"], node["model"]):
        assert len(words) <= 400
        assert "\u202e" not in words
        assert "\x1b" not in words


def test_a_run_without_records_says_what_will_come(shop: Shop) -> None:
    page = shop.client.get(f"/runs/{shop.empty}/lineage")
    assert page.status_code == 200
    assert "No record has been committed yet" in page.text
    assert shop.picture(shop.empty)["items"]["ids"] == []


def test_one_program_is_a_tree(shop: Shop) -> None:
    said = shop.picture(shop.single)
    assert said["items"]["heights"] == [1]
    assert said["path"] == [0]


def test_of_a_long_path_the_end_is_listed_and_all_of_it_drawn(shop: Shop) -> None:
    page = shop.client.get(f"/runs/{shop.chain}/lineage").text
    assert "The last 200 steps" in page
    assert page.count("<tr>") == 201
    assert len(shop.picture(shop.chain)["path"]) == 300


def test_a_run_that_did_not_say_its_objectives_has_a_tree_without_ranks(shop: Shop) -> None:
    said = shop.picture(shop.old)
    assert said["items"]["ranks"] == [None] * 5
    assert said["path"] == []
    assert shop.client.get(f"/runs/{shop.old}/lineage").status_code == 200
    assert shop.client.get(f"/runs/{shop.old}/lineage/node/{name(1)}.json").json()["metric"] is None


def test_the_beginning_of_a_runs_id_leads_to_its_page(shop: Shop) -> None:
    answer = shop.client.get(f"/runs/{shop.tree[:5]}/lineage", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/runs/{shop.tree}/lineage"


@pytest.mark.parametrize("bad", ["..%2f..%2fetc", "%00", "%ff", "%ed%a0%80", "%3Cscript%3E", "a" * 5000, "ffffffffff"])
def test_ids_that_nothing_has_are_refused(shop: Shop, bad: str) -> None:
    for address in (
        f"/runs/{bad}/lineage",
        f"/runs/{bad}/lineage.json",
        f"/runs/{shop.tree}/lineage/{bad}.json",
        f"/runs/{shop.tree}/lineage/node/{bad}.json",
    ):
        assert shop.client.get(address).status_code in (404, 422), address


def test_programs_of_other_runs_are_not_in_this_one(shop: Shop) -> None:
    assert shop.client.get(f"/runs/{shop.single}/lineage/{name(4)}.json").status_code == 404
    assert shop.client.get(f"/runs/{shop.single}/lineage/node/{name(4)}.json").status_code == 404


def test_a_published_tree_says_where_pages_are_and_asks_for_nothing_more(shop: Shop) -> None:
    with TestClient(create_app(shop.archive, published=True), base_url="http://localhost") as client:
        assert client.get(f"/runs/{shop.tree}/lineage.json").json()["pages"] == [
            f"/programs/{name(k)}" for k in range(5)
        ]
        assert "data-clades" not in client.get(f"/runs/{shop.tree}/lineage").text


def test_a_tree_grows_while_its_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "SHARE", 0.0)
    with Archive.open(tmp_path / "archive.db") as archive:
        run = write(archive, [record(0, None, 3.0)], end=False)
        with TestClient(create_app(archive), base_url="http://localhost") as client:
            assert client.get(f"/runs/{run}/lineage.json").json()["path"] == [0]
            for one in (record(1, 0, 2.0), record(2, 1, 1.0)):
                archive.journal(run, one.ticket)
                archive.commit(run, one)
            archive.flush()
            said = client.get(f"/runs/{run}/lineage.json").json()
            assert said["items"]["parents"] == [-1, 0, 1]
            assert said["path"] == [0, 1, 2]
            assert "3 records" in client.get(f"/runs/{run}/lineage").text


def test_what_was_made_is_kept_until_the_run_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    values = Kept(shop.archive, lambda run: made.append(run.id) or len(made), 1)
    tree, single = shop.archive.run(shop.tree), shop.archive.run(shop.single)
    assert [values.of(tree), values.of(tree), values.of(single), values.of(tree)] == [1, 1, 2, 3]


def test_who_comes_when_too_many_wait_is_told_to_come_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_WAITING", 1)
    begun, go_on = threading.Event(), threading.Event()
    values = Kept(shop.archive, lambda run: (begun.set(), go_on.wait(60)), 1)
    run = shop.archive.run(shop.tree)
    thread = threading.Thread(target=values.of, args=(run,))
    thread.start()
    try:
        assert begun.wait(60)
        with pytest.raises(ArchiveError, match="read for others"):
            values.of(run)
    finally:
        go_on.set()
        thread.join()
