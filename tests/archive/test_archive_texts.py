"""Texts from their stored form, of which most are read without a decoder."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import codec, reading


@given(st.text())
def test_a_text_comes_back(text: str) -> None:
    assert reading._text(codec.packed_text(text)) == text


@given(st.lists(st.text()))
def test_a_list_of_texts_comes_back(texts: list[str]) -> None:
    assert reading._texts(codec.packed_texts(texts)) == tuple(texts)


@pytest.mark.parametrize("damaged", ["", '"', "abc", '"abc', 'abc"', '"a\\"'])
def test_what_is_no_text_is_refused(damaged: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        reading._text(damaged)


@pytest.mark.parametrize("damaged", ["", "[", '["]', "[abc]", '["abc"', '"abc"]'])
def test_what_is_no_list_is_refused(damaged: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        reading._texts(damaged)
