"""Real notebooks, executed by a real Jupyter kernel: the pages of the documentation, and an interrupt."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from archive.rows import RunStatus
from archive.store import Archive

from .test_notebook_watch import Words

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "notebooks.md"
SHORTER = {"evaluations=5000": 'evaluations=400, start="seed"', "evaluations=6000": "evaluations=500"}
"""What the page says, and what takes less time: from the seed the final check has few programs."""
KERNEL_SECONDS = 240
"""A final check of many programs on a busy machine takes its time."""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _own_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings or kernels of whoever runs the tests."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("EVOLVE_ARCHIVE", raising=False)


def notebook(cells: list[str], folder: Path) -> NotebookClient:
    """A client for a notebook of code cells, which is executed in `folder`."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(folder)}}
    return NotebookClient(book, timeout=KERNEL_SECONDS, kernel_name="python3", resources=place)


def html_of(output: Any) -> str:
    return str(output["data"]["text/html"])


def test_the_documentation_in_a_kernel(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for said, shorter in SHORTER.items():
        assert page.count(said) == 1
        page = page.replace(said, shorter)
    cells = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    book = notebook(cells, tmp_path).execute()
    searched, shown, printed, frame, plot, resumed = (cell.outputs for cell in book.cells)

    (widget,) = searched
    words = Words(html_of(widget))
    assert "ended: evaluations, after" in words.text and "of 400 evaluations" in words.text
    assert {"table", "svg"} <= words.tags and "fraction_3_3" in words.text
    assert re.search(r"final check of \d+ programs: 100%", words.text)
    assert "ended: evaluations" in widget["data"]["text/plain"]
    assert "of 500 evaluations" in Words(html_of(resumed[0])).text

    (report,) = shown
    words = Words(html_of(report))
    assert {"table", "svg"} <= words.tags
    assert "found against the baselines" in words.text and "ULP" in words.text
    assert report["data"]["text/plain"].startswith("<RunResult ")

    text = "".join(one["text"] for one in printed)  # a busy kernel sends what is printed in pieces
    assert "max_relative_error" in text and "def exp2(" in text
    rows = html_of(frame[0])
    assert "final_max_ulp" in rows and "<td>found</td>" in rows and "<td>baseline</td>" not in rows
    assert base64.b64decode(plot[0]["data"]["image/png"]).startswith(b"\x89PNG")
    assert (tmp_path / "run.svg").read_text(encoding="utf-8").count("<svg") == 1


def test_an_interrupt_ends_the_search_and_returns_the_result(tmp_path: Path) -> None:
    cells = [
        "from evolve import run\nresult = run('float32-exp2', evaluations=1e6, workers=1, archive='a.db')",
        "from pathlib import Path\nchildren = [one.read_text() for one in Path('/proc/self/task').glob('*/children')]\n"
        "print(result.stop_reason, result.proposals > 0, ''.join(children).split())",
    ]
    client = notebook(cells, tmp_path)

    async def interrupted() -> None:
        async with client.async_setup_kernel():
            first, second = client.nb.cells
            searching = asyncio.create_task(client.async_execute_cell(first, 0))
            while not any("<svg" in html_of(output) for output in first.outputs):
                await asyncio.sleep(0.1)
                assert not searching.done()
            await client.km.interrupt_kernel()
            await searching
            await client.async_execute_cell(second, 1)

    asyncio.run(asyncio.wait_for(interrupted(), KERNEL_SECONDS))
    searched, said = (cell.outputs for cell in client.nb.cells)
    assert said[0]["text"] == "interrupted True []\n"
    page = Words(html_of(searched[0])).text
    assert "ended: interrupted, after" in page and "run(None, resume=" in page
    with Archive.open(tmp_path / "a.db", create=False) as archive:
        run = archive.run("last")
    assert (run.status, run.stop_reason) == (RunStatus.ENDED, "interrupted")
