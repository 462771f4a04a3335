"""File names: readable, safe, and another one for each thing."""

import unicodedata

import pytest

from crossnet_tf.evaluation.file_names import file_name


@pytest.mark.parametrize("text", ["Bicubic", "A+B-1.0", "a_(7,7)", "caf\u00e9"])
def test_harmless_names_identity(text):
    assert file_name(text) == text


def test_different_things_keep_apart():
    texts = [
        "", "..", ".", "_", "a/b", "a_b", "a b", "a:b", "folder:/x", "\u7f51",
        "\u7f51\u7edc", "\u043b", "x" * 300, "x" * 301, "caf\u00e9",
        unicodedata.normalize("NFD", "caf\u00e9"), "\udcff", "a\nb", "\x1b[1m",
    ]  # fmt: skip
    names = [file_name(text) for text in texts]
    assert len(set(names)) == len(texts)
    for name in names:
        assert name
        assert 0 < len(name.encode()) < 120
        assert not set(name) & set('/\\:*?"<>|\n\x1b')
        assert not name.startswith(".")
