"""Texts from their stored form, of which most are read without a decoder."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import codec, reading
from evolve.core.types import Language, Source


@given(st.text())
def test_a_text_comes_back(text: str) -> None:
    assert reading.unpacked_text(codec.packed_text(text)) == text


@given(st.lists(st.text()))
def test_a_list_of_texts_comes_back(texts: list[str]) -> None:
    assert reading.unpacked_texts(codec.packed_texts(texts)) == tuple(texts)


@pytest.mark.parametrize("damaged", ["", '"', "abc", '"abc', 'abc"', '"a\\"', '"a"b"', '"a\tb"'])
def test_what_is_no_text_is_refused(damaged: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        reading.unpacked_text(damaged)


@pytest.mark.parametrize("damaged", ["", "[", '["]', "[abc]", '["abc"', '"abc"]', '["a"b"]', '["a\n"]'])
def test_what_is_no_list_is_refused(damaged: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        reading.unpacked_texts(damaged)


@pytest.mark.parametrize("other", ["7", "null", '["a"]'])
@pytest.mark.parametrize("read", [reading.unpacked_text, reading.metrics, reading.extent, reading.source])
def test_json_of_another_kind_is_refused(read: Callable[[str], object], other: str) -> None:
    with pytest.raises(TypeError):
        read(other)


@pytest.mark.parametrize("other", ["7", '"ab"', "[7]", '["a",null]', '[["a"]]'])
def test_a_list_of_other_things_is_refused(other: str) -> None:
    with pytest.raises(TypeError):
        reading.unpacked_texts(other)


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)))
def test_metrics_are_canonical_json(metrics: dict[str, float]) -> None:
    assert codec.packed_metrics(metrics) == json.dumps(metrics, sort_keys=True, separators=(",", ":"))
    assert reading.metrics(codec.packed_metrics(metrics)) == metrics


@given(st.dictionaries(st.text(), st.text()), st.text(), st.sampled_from(["python", "command"]))
def test_a_program_is_canonical_json(files: dict[str, str], entry: str, language: Language) -> None:
    packed = {"entry": entry, "files": files, "language": language}
    program = Source(files, entry, language)
    assert codec.packed_source(program) == json.dumps(packed, sort_keys=True, separators=(",", ":"))
    assert reading.source(codec.packed_source(program)) == program


@pytest.mark.parametrize("wrong", ["one", ["a", 1], [None]])
def test_what_is_not_texts_is_not_packed(wrong: object) -> None:
    with pytest.raises(TypeError):
        codec.packed_texts(wrong)  # type: ignore[arg-type]
