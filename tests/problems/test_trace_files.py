"""Readers of recorded traces: formats, windows, and what they say of a file that is wrong."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from evaluators.verifier import load_verifier
from evolve.core.errors import ProblemError

FOLDER = Path(__file__).parents[2] / "problems" / "cache-eviction"
load_verifier(FOLDER)
traces: Any = importlib.import_module("traces")


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _oracle(names: list[int], following: int = 7, size: int = 512) -> bytes:
    return b"".join(struct.pack("<IQIq", at, name, size, following) for at, name in enumerate(names))


@pytest.mark.parametrize(
    "text",
    [
        "time,object,size\n0,b,1\n1,a,0\n2,b,1\n3,c,9\n",
        "size_bytes,obj_id,time_seconds\n1,b,0.5\n1,a,1e3\n1,b,2\n1,c,3\n",
        "op,Key , Size\nget,b,1\nset,a,1\nget,b,1\nget,c,1\n",
        "object_id\nb\na\nb\nc\n",
        "b\na\nb\nc\n",
        "0,b,512\n1,a,512\n2,b,512\n3,c,0\n",
        '\ufeffobject\r\n"b"\r\n"a"\r\n\r\n b\r\nc \r\n\r\n',
        "id,next_access_vtime\nb,2\na,-1\nb,-1\nc,-1\n",
    ],
)
def test_csv_gives_objects_in_order_of_first_appearance(tmp_path: Path, text: str) -> None:
    path = _write(tmp_path / "some.csv", text)
    found = traces.read(path)
    assert found.typecode == "i" and found.tolist() == [0, 1, 0, 2]
    assert traces.length(path) == 4 and traces.stem(path) == "some"


def test_names_are_text_and_not_numbers(tmp_path: Path) -> None:
    assert traces.read(_write(tmp_path / "a.csv", "object\n7\n07\n7.0\n7\n")).tolist() == [0, 1, 2, 0]


def test_a_window_is_numbered_anew(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "object\n" + "\n".join("aabcbda"))
    assert traces.read(path, 3, 7).tolist() == [0, 1, 2, 3]
    assert traces.read(path, 1, 5).tolist() == [0, 1, 2, 1]
    assert traces.read(path, 5).tolist() == [0, 1]
    assert traces.read(path, 6, 100).tolist() == [0]


def test_compressed_csv_reads_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.b.csv.gz"
    path.write_bytes(gzip.compress(b"object\nx\ny\nx\n", mtime=0))
    assert traces.read(path).tolist() == [0, 1, 0] and traces.stem(path) == "a.b"


@pytest.mark.parametrize("compressed", [False, True])
def test_oracle_general_keeps_names_alone(tmp_path: Path, compressed: bool) -> None:
    names = [2**64 - 1, 5, 2**64 - 1, 0, 2**32, 5]
    path = tmp_path / ("w01.oracleGeneral.bin" + ".gz" * compressed)
    pack = gzip.compress if compressed else bytes
    path.write_bytes(pack(_oracle(names)))
    assert traces.read(path).tolist() == [0, 1, 0, 2, 3, 1]
    assert traces.read(path, 2, 5).tolist() == [0, 1, 2] and traces.read(path, 4, 99).tolist() == [0, 1]
    assert traces.length(path) == 6 and traces.stem(path) == "w01"
    other = tmp_path / ("other.oracleGeneral" + ".gz" * compressed)
    other.write_bytes(pack(_oracle(names, following=-1, size=2**32 - 1)))
    assert traces.read(other) == traces.read(path)


def test_block_hashes_are_requests_in_order(tmp_path: Path) -> None:
    rows = [
        {"timestamp": 0, "hash_ids": [46, 47, 48], "input_length": 5},
        {"timestamp": 3, "hash_ids": []},
        {"hash_ids": ["46", 46, 50]},
    ]
    path = _write(tmp_path / "chat.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    assert traces.read(path).tolist() == [0, 1, 2, 3, 0, 4] and traces.stem(path) == "chat"
    assert traces.read(path, 2, 5).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "holds no request"),
        ("a.csv", b"object_id\n", "holds no request"),
        ("a.jsonl", b'{"hash_ids": []}\n', "holds no request"),
        ("a.oracleGeneral", b"", "holds no request"),
        ("a.csv", b"time,size\n0,1\n", "row 1: no column names the object; the row is time, size"),
        ("a.csv", b"when,what,much\n0,1,2\n", "row 1: no column names the object"),
        ("a.csv", b"4,5\n4,5\n", "row 1: no column names the object"),
        ("a.csv", b"key,obj_id\n4,5\n", "row 1: several columns name the object: key, obj_id"),
        ("a.csv", b"time,object\n0,a\n1\n", "row 3: 1 columns instead of 2"),
        ("a.csv", b"object\na\n\nb,c\n", "row 4: 2 columns instead of 1"),
        ("a.csv", b"time,object\n0,a\n1, \n", "row 3: the name of the object is empty"),
        ("a.csv", b"time,object\nnoon,a\n", "row 2: the time 'noon' is no number"),
        ("a.csv", b"time,object\nnan,a\n", "row 2: the time 'nan' is no number"),
        ("a.csv", b"object,size\na,3\nb,-1\n", "row 3: the size '-1' is no whole number of at least 0"),
        ("a.csv", b"object,size\na,3.5\n", "row 2: the size '3.5' is no whole number"),
        ("a.csv", b"0,a,1\n1,b,-1\n", "row 2: the size '-1' is no whole number"),
        ("a.csv", b'object\na\n"b\n', "row 3: unexpected end of data"),
        ("a.csv", b"object\n\xff\xfe\n", "is not UTF-8 text"),
        ("a.csv.gz", b"object\na\n", "can not be read"),
        ("a.csv.gz", gzip.compress(b"object\n" + os.urandom(400).hex().encode(), mtime=0)[:-150], "can not be read"),
        ("a.jsonl", b'{"hash_ids": [1]}\nnope\n', "row 2: no JSON: Expecting value"),
        ("a.jsonl", b'{"hash_ids": 3}\n', "row 1: no JSON object with a list hash_ids"),
        ("a.jsonl", b"[1, 2]\n", "row 1: no JSON object with a list hash_ids"),
        ("a.jsonl", b'{"hash_ids": [1, 1.0]}\n', "row 1: a block in hash_ids is neither"),
        ("a.jsonl", b'{"hash_ids": [true]}\n', "row 1: a block in hash_ids is neither"),
        ("a.jsonl", b"[" * 100_000, "row 1: no JSON"),
        ("a.oracleGeneral", _oracle([1, 2])[:-5], "record 2 ends after 19 of 24 bytes"),
        ("a.oracleGeneral.gz", gzip.compress(_oracle([1, 2]) + b"x", mtime=0), "record 3 ends after 1 of 24 bytes"),
        ("a.oracleGeneral.zst", b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        ("a.parquet", b"PAR1", "no ending that tells its format"),
    ],
)
def test_a_wrong_file_is_refused_with_its_row_and_a_remedy(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for use in (traces.read, traces.length):
        with pytest.raises(ProblemError) as caught:
            use(path)
        assert says in caught.value.message and str(path) in caught.value.message
        assert caught.value.remedy


def test_zstd_names_the_command_that_helps(tmp_path: Path) -> None:
    path = tmp_path / "w.oracleGeneral.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(ProblemError) as caught:
        traces.read(path)
    assert caught.value.remedy == "Type: zstd -d w.oracleGeneral.zst"


@pytest.mark.parametrize("name", ["gone.csv", "gone.oracleGeneral", "gone.jsonl.gz"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProblemError, match="can not be read"):
        traces.read(tmp_path / name)


def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "object\na\na\n")
    assert traces.length(path) == 2
    _write(path, "object\na\nb\nc\n")
    assert traces.read(path).tolist() == [0, 1, 2]


def test_a_file_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.csv.gz"
    rows = "\n".join(str(at * at % 1_009) for at in range(4_000))
    path.write_bytes(gzip.compress(f"object_id\n{rows}\n".encode()))
    assert len(traces.read(path, 2_000, 2_100)) == 100
    monkeypatch.setattr(traces, "_open", None)
    assert len(traces.read(path, 3_000, 3_100)) == 100
    assert traces.length(path) == 4_000
