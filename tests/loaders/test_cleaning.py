import random

from rag.loaders.cleaning import clean, clean_with_pieces, letters


def test_every_line_end_becomes_a_newline() -> None:
    assert clean("a\r\nb\rc\x0bd\x85e\u2028f\u2029g\nh\fi") == "a\nb\nc\nd\ne\nf\ng\nh\fi"


def test_invisible_characters_are_removed_and_joiners_stay() -> None:
    hidden = "\ufeffig\u200bno\u202ere\x00 \u2066me\U000e0041"
    assert clean(hidden) == "ignore me"
    assert clean("\u0645\u06cc\u200c\u062e 👩\u200d💻") == "\u0645\u06cc\u200c\u062e 👩\u200d💻"


def test_a_hyphen_mark_of_pdfium_goes_with_its_line_end() -> None:
    assert clean("docu\ufffe\r\nment, \ufffeother") == "document, other"


def test_lone_surrogates_become_replacement_characters() -> None:
    assert clean("a\ud800b\U0001f600") == "a\ufffdb\U0001f600"


def test_pieces_say_where_each_kept_code_point_stood() -> None:
    chooser = random.Random(7)
    for _ in range(300):
        source = "".join(chooser.choices("ab \r\n\ufffe\u200b\x00\U0001f600\ud800\x85", k=40))
        text, pieces = clean_with_pieces(source)
        assert text == clean(source)
        assert sum(piece.length for piece in pieces) == len(text)
        for start, source_start, length in pieces:
            kept = source[source_start : source_start + length]
            assert clean(kept + "x") == text[start : start + length] + "x"


def test_letters_counts_letters_and_digits_up_to_enough() -> None:
    assert letters("a1 -- é 中", 99) == 4
    assert letters("a" * 1000, 20) == 20
