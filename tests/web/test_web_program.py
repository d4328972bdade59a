"""The page of a program, what lies behind it, and two of them side by side, with texts that would be more than that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from archive.equivalence import Kind, Learned
from archive.store import Archive
from evolve.core.keys import Keys
from evolve.core.types import (
    Candidate,
    Cost,
    ModelReply,
    Promotion,
    Question,
    Record,
    Result,
    Source,
    Status,
    Ticket,
    Verdict,
)
from evolve.known import KNOWN_EVENT
from evolve.web.app import create_app

EVIL = (
    "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"' onmouseover='window.pwned=1 "
    "{{ 7 * 7 }} \u202eoverride\u2066 \x1b[31mred\x00nul \ud800 \u200bzero"
)
SEED, CHILD, GRANDCHILD, CRASHED, TWIN, HUGE, MODEL = (f"{digit}{digit:0>31}" for digit in "1234567")
SEED_ONLY, BASELINE = "a" * 32, "b" * 32
OBJECTIVES = [{"metric": "hit_rate", "direction": "maximize"}]


@dataclass(frozen=True)
class Shown:
    """The pages and the id of the run that they show."""

    client: TestClient
    run_id: str

    def get(self, address: str, status: int = 200) -> Any:
        """What is at an address."""
        answer = self.client.get(address, follow_redirects=False)
        assert answer.status_code == status, (address, answer.status_code, answer.text[:300])
        return answer


def _write(archive: Archive) -> str:
    run_id = archive.begin_run(
        problem="demo", problem_version="c0de" * 8, config={"objectives": OBJECTIVES, "sandbox": "none"}, run_seed=1
    )
    known = [
        {"name": name, "program_id": one, "metrics": {"hit_rate": rate}, "files": {"program.py": text}}
        | {"entry": "f", "language": "python"}
        for name, one, rate, text in (
            ("seed", SEED_ONLY, "0.4", "def f(x):\n    return x\n"),
            (f"lru {EVIL[:90]}", BASELINE, "0.6", "def f(x):\n    return -x\n"),
        )
    ]
    archive.add_event(run_id, KNOWN_EVENT, {"title": "Demo", "programs": known})
    code = "def f(x):\n    # a <b>comment</b>\n    return x + {}\n"
    _commit(archive, run_id, 0, SEED, {"program.py": code.format(0)}, (), 0.5)
    _commit(archive, run_id, 1, CHILD, {"program.py": code.format(1)}, (SEED,), 0.625, key="k")
    _commit(archive, run_id, 2, GRANDCHILD, {"program.py": f'{code.format(2)}"""{EVIL}"""\n'}, (CHILD,), 0.75)
    _commit(archive, run_id, 3, CRASHED, {f"{EVIL}.py": EVIL, "program.py": "x = 1\n"}, (CHILD,), None)
    _commit(archive, run_id, 4, TWIN, {"program.py": code.format("1.0")}, (CHILD,), 0.625, key="k")
    _commit(archive, run_id, 5, HUGE, {"program.py": "</script>\n" * 1_000_000}, (SEED,), 0.25)
    _commit(archive, run_id, 6, MODEL, {"program.py": "def f(x): return 6\n"}, (SEED,), 0.3, model=EVIL[:80])
    rows = {GRANDCHILD: 0.7, BASELINE: 0.6, SEED_ONLY: 0.4}
    finals = {
        one: {"hit_rate": rate, "groups": 24.0, "ahead": 0.7 - rate}
        | {"ahead_low": (0.7 - rate) * 0.5, "ahead_high": (0.7 - rate) * 1.5}
        for one, rate in rows.items()
    }
    archive.open_final(run_id, "c0de" * 8, finals)
    archive.end_run(run_id, "evaluations", 2.0)
    return run_id


def _commit(
    archive: Archive,
    run_id: str,
    number: int,
    program_id: str,
    files: dict[str, str],
    parents: tuple[str, ...],
    value: float | None,
    *,
    model: str | None = None,
    key: str = "",
) -> None:
    status = Status.CRASHED if value is None else Status.OK
    ticket = Ticket(number, "expand", parents, (), "write" if model else "mutate", model, 7)
    archive.journal(run_id, ticket)
    if model:
        messages = [{"role": "user", "content": f"improve {EVIL}"}, {"role": EVIL, "content": "y" * 30_000}]
        request = {"model": model, "messages": messages}
        archive.add_reply(run_id, ModelReply(number, 0, model, request, "d", f"answer {EVIL}", "stop", 10, 20, 5, None))
    results = tuple(
        Result(f"train/{place} {EVIL[:70]}", status if place == 1 else Status.OK, None if place == 1 else 0.5)
        if value is None
        else Result(f"train/{place} {EVIL[:70]}", Status.OK, value + 0.01 * (place - 1), 0.25, 0.5, 1 << 25)
        for place in range(3)
    )
    metrics = {} if value is None else {"hit_rate": value, "nothing": float("nan"), "bound": float("inf")}
    feedback = "" if number == 0 else f"feedback {EVIL}"
    verdict = Verdict(status, value, metrics, feedback, results, "train", "set")
    source = Source(files, "program.f" if len(files) > 1 else "f")
    candidate = Candidate(ticket, source, f"idea {number} {EVIL}", (), Cost(0.5, 30, None))
    promotion = None
    if number == 2:
        promotion = Promotion(
            True, {"hit_rate": value or 0.0}, "gate", f"proven {EVIL}", Question(1, 12, False, 4.5, 3.0)
        )
    record = Record(number, ticket, candidate, verdict, program_id, promotion=promotion)
    learned = (Learned(Kind.COMPUTED, Keys(key, f"e{number}"), "set"),) if key else ()
    archive.commit(run_id, record, learned).result()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    where: Path = tmp_path_factory.mktemp("program") / "archive.db"
    with Archive.open(where) as archive:
        run_id = _write(archive)
        with TestClient(create_app(archive), base_url="http://localhost") as client:
            yield Shown(client, run_id)


class _Tags(HTMLParser):
    """Tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _safe(page: str) -> _Tags:
    """The page, of which nothing but what templates wrote is markup."""
    tags = _Tags(page)
    for tag, attributes in tags.tags:
        assert tag not in ("img", "svg", "iframe", "style", "object")
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")
        assert not (attributes.get("href") or "/").lower().startswith(("javascript:", "data:", "//"))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]", page)
    return tags


ADDRESSES = [
    "",
    "/program.json",
    "/results.json",
    "/results-figure.json",
    "/replies.json",
    "/source.txt",
    "/files/1.txt",
    f"/diff/{SEED}",
    f"/diff/{BASELINE}",
    f"/diff/{CRASHED}",
]


@pytest.mark.parametrize("program", [GRANDCHILD, CRASHED, MODEL, BASELINE])
@pytest.mark.parametrize("rest", ADDRESSES)
def test_nothing_that_a_candidate_wrote_is_markup(shown: Shown, program: str, rest: str) -> None:
    answer = shown.get(f"/programs/{program}{rest}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    if "." not in rest:
        tags = _safe(answer.text)
        levels = [int(tag[1]) for tag, _ in tags.tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1 and all(b <= a + 1 for a, b in pairwise(levels))
        ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
    elif rest.endswith(".json"):
        answer.json()
    else:
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_the_page_says_what_is_known(shown: Shown) -> None:
    tags = _safe(shown.get(f"/programs/{GRANDCHILD}").text)
    words = " ".join(tags.text.split())
    links = [attributes.get("href") for tag, attributes in tags.tags if tag == "a"]
    assert f"run {shown.run_id}, record 2, by mutate" in words
    assert "passed the gate: proven" in words and "not isolated" in words
    assert "0.75 hit rate" in words and "0.7 hit rate" in words
    assert "Ahead on final" in words and "+0.3" in words
    # Of the first opening the interval is as it was stored.
    assert "+0.15 to +0.45" in words
    assert f"/programs/{CHILD}" in links and f"/runs/{shown.run_id}/lineage#{GRANDCHILD}" in links
    assert f"/programs/{GRANDCHILD}/diff/{CHILD}" in links and f"/programs/{GRANDCHILD}/diff/{BASELINE}" in links
    assert "+0.125" in words and "⟨U+202E⟩override" in words and "{{ 7 * 7 }}" in words


def test_a_program_that_computes_the_same_is_named(shown: Shown) -> None:
    assert f'href="/programs/{TWIN}"' in shown.get(f"/programs/{CHILD}").text


def test_a_baseline_that_no_run_made_has_a_page(shown: Shown) -> None:
    words = " ".join(_safe(shown.get(f"/programs/{BASELINE}").text).text.split())
    assert "known before" in words and "0.6 hit rate" in words and "return -x" in words
    assert shown.get(f"/programs/{BASELINE[:9]}", 302).headers["location"] == f"/programs/{BASELINE}"


def test_the_beginning_of_an_id_leads_to_it(shown: Shown) -> None:
    assert shown.get(f"/programs/{CHILD[:3]}", 302).headers["location"] == f"/programs/{CHILD}"
    where = f"/programs/{CHILD}/diff/{SEED}"
    assert shown.get(f"/programs/{CHILD}/diff?other=%20{SEED[:5].upper()}", 303).headers["location"] == where
    assert shown.get(f"/programs/{CHILD}/diff/{SEED[:5]}", 302).headers["location"] == where


@pytest.mark.parametrize(
    "name", ["%00", "..%2f..%2fetc%2fpasswd", "%ff", "best", "ffff", "0" * 5000, "%ED%A0%80", "*", "%25"]
)
@pytest.mark.parametrize("rest", ["", "/results.json", "/source.txt", "/files/1.txt", f"/diff/{SEED}", "/diff?other=x"])
def test_what_is_no_id_is_not_found(shown: Shown, name: str, rest: str) -> None:
    shown.get(f"/programs/{name}{rest}", 404)


@pytest.mark.parametrize("position", ["0", "3", "-1", "99999999999999999999", "x"])
def test_files_are_counted(shown: Shown, position: str) -> None:
    assert shown.client.get(f"/programs/{CRASHED}/files/{position}.txt").status_code in (404, 422)
    assert shown.get(f"/programs/{CRASHED}/files/2.txt").text in ("x = 1\n", EVIL.replace("\ud800", "\\ud800"))


def test_scores_stand_beside_those_of_the_champion(shown: Shown) -> None:
    rows = shown.get(f"/programs/{CHILD}/results.json").json()
    assert [row["score"] for row in rows] == [0.615, 0.625, 0.635]
    assert [row["champion"] for row in rows] == [0.74, 0.75, 0.76] and rows[0]["baseline"] is None
    figure = shown.get(f"/programs/{CHILD}/results-figure.json").json()
    own, champion, mean = figure["data"]
    assert own["y"] == [0.615, 0.625, 0.635] and champion["y"] == [0.74, 0.75, 0.76] and mean["y"] == [0.6, 0.6]
    assert "(mean)" in mean["name"] and "\u202e" not in str(figure)


def test_failing_instances_come_first_and_have_no_number(shown: Shown) -> None:
    page = shown.get(f"/programs/{CRASHED}").text
    assert page.index(">train/1") < page.index(">train/0") and "1 failed" in page
    rows = shown.get(f"/programs/{CRASHED}/results.json").json()
    assert rows[1]["score"] is None and rows[1]["status"] == "crashed"
    assert shown.get(f"/programs/{CRASHED}/results-figure.json").json()["data"][0]["y"][1] is None


def test_what_is_not_finite_is_null(shown: Shown) -> None:
    data = shown.get(f"/programs/{CHILD}/program.json").json()
    assert data["metrics"] == {"hit_rate": 0.625, "nothing": None, "bound": None}
    assert data["record"] == 1 and data["proven"] is None and data["idea"].startswith("idea 1 </script>")
    assert shown.get(f"/programs/{GRANDCHILD}/program.json").json()["proven"] is True


def test_what_a_model_was_asked_and_said_is_there_whole(shown: Shown) -> None:
    (reply,) = shown.get(f"/programs/{MODEL}/replies.json").json()
    assert reply["reply"] == f"answer {EVIL}".replace("\ud800", "\\ud800") and reply["usd"] is None
    assert [len(one["content"]) for one in reply["messages"]][1] == 30_000
    page = shown.get(f"/programs/{MODEL}").text
    assert "price unknown" in page and "y" * 20_000 in page and "y" * 20_001 not in page
    assert shown.get(f"/programs/{SEED}/replies.json").json() == []


def test_of_a_huge_program_a_part_is_shown(shown: Shown) -> None:
    page = shown.get(f"/programs/{HUGE}").text
    _safe(page)
    assert len(page) < 3_000_000
    assert "at most 200,000 characters" in page and "data-copy" not in page
    assert shown.get(f"/programs/{HUGE}/source.txt").text == "</script>\n" * 1_000_000
    assert "longer than 5,000 lines" in shown.get(f"/programs/{HUGE}/diff/{SEED}").text


def test_lines_are_linked_and_coloured(shown: Shown) -> None:
    page = shown.get(f"/programs/{SEED}").text
    assert '<span class="line" id="L3"><a href="#L3"' in page
    assert '<span class="c"># a &lt;b&gt;comment&lt;/b&gt;</span>' in page and '<span class="k">return</span>' in page


def test_side_by_side_says_what_changed(shown: Shown) -> None:
    page = shown.get(f"/programs/{CHILD}/diff/{SEED}").text
    assert "<del>0</del>" in page and "<ins>1</ins>" in page and '<tr class="changed">' in page
    assert "The two have the same text." in shown.get(f"/programs/{CHILD}/diff/{CHILD}").text
    assert "Only" in shown.get(f"/programs/{CRASHED}/diff/{SEED}").text


def test_a_published_page_has_no_form(shown: Shown) -> None:
    archive = shown.client.app.state.desk.archive  # type: ignore[attr-defined]
    with TestClient(create_app(archive, published=True), base_url="http://localhost") as client:
        assert "<form" not in client.get(f"/programs/{CHILD}").text
