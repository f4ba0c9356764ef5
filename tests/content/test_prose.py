"""Words, sentences and paragraphs that mean nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from faker import Factory

from mockdock.content.prose import Prose, english, latin
from mockdock.content.words import ENGLISH, LATIN


@pytest.mark.parametrize(("make", "words"), [(english, ENGLISH), (latin, LATIN)])
def test_texts_are_those_that_faker_makes_of_these_words(
    make: Callable[[random.Random], Prose], words: Sequence[str]
) -> None:
    """The same chance gives the same text, so that those of earlier versions stay."""
    theirs: Any = Factory.create("en_US", providers=["faker.providers.lorem"])
    theirs.random, ours = random.Random(7), make(random.Random(7))
    for _ in range(50):
        assert ours.word() == theirs.word(ext_word_list=words)
        assert ours.words(1) == theirs.words(1, ext_word_list=words)
        assert ours.words(3) == theirs.words(3, ext_word_list=words)
        assert ours.sentence() == theirs.sentence(ext_word_list=words)
        assert ours.sentence(nb_words=1) == theirs.sentence(nb_words=1, ext_word_list=words)
        assert ours.paragraph() == theirs.paragraph(ext_word_list=words)


@pytest.mark.parametrize(("words", "count"), [(ENGLISH, 971), (LATIN, 182)])
def test_words_are_words(words: Sequence[str], count: int) -> None:
    assert len(set(words)) == len(words) == count
    assert all(word.isalpha() for word in words)
