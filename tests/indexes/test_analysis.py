"""Text to the words that the keyword index holds."""

import pytest

from rag.indexes.analysis import file_words, language_of, stems, words
from rag.indexes.keyword import KeywordIndex
from rag.language import detect

from .test_keyword_index import chunk

SENTENCES = {
    "en": ("The batteries were charged at noon.", "charging a battery"),
    "de": ("Die Häuser wurden mit den Schlüsseln geöffnet.", "Haus und Schlüssel"),
    "es": ("Las ciudades fueron fundadas por los romanos.", "ciudad que fundaron"),
    "ru": ("Города были основаны римлянами.", "основание города"),
    "el": ("Οι πόλεις ιδρύθηκαν από τους Ρωμαίους.", "η πόλη των Ρωμαίων"),
    "ar": ("تأسست المدن من قبل الرومان", "مدينة الرومان"),
    "hi": ("बैटरी को दोपहर में चार्ज किया गया था।", "बैटरी कब चार्ज"),
    "zh": ("电池在中午充电。", "什么时候充电"),
    "ja": ("電池は正午に充電された。", "充電はいつ"),
    "ko": ("배터리는 정오에 충전되었다", "배터리는 언제"),
    "th": ("แบตเตอรี่ถูกชาร์จตอนเที่ยง", "ชาร์จแบตเตอรี่เมื่อไร"),
    "vi": ("Pin được sạc vào buổi trưa và không bị hỏng.", "khi nào pin được sạc"),
    "tr": ("Şehirler Romalılar tarafından kuruldu ve çok büyüdü.", "şehir ne zaman kuruldu"),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_language_is_told_from_a_sentence(language: str) -> None:
    assert detect(SENTENCES[language][0]) == language


@pytest.mark.parametrize("text", ["", "E09", "Petrel", "12.5 %", "The Hague"])
def test_a_few_words_are_not_taken_for_a_foreign_language(text: str) -> None:
    assert detect(text) in (None, "en")


@pytest.mark.parametrize("language", SENTENCES)
def test_a_question_finds_a_text_in_its_language_among_others(language: str) -> None:
    made = KeywordIndex(None)
    order = list(SENTENCES)
    made.update([], [chunk(i, SENTENCES[key][0]) for i, key in enumerate(order)])
    best = made.search(SENTENCES[language][1], 1)
    assert [order[i] for i, _ in best] == [language]


def test_vowel_signs_and_accents_are_parts_of_their_words() -> None:
    assert list(words("हिन्दी naïve e\u0301tude")) == ["हिन्दी", "naïve", "étude"]


def test_scripts_without_spaces_become_overlapping_pieces() -> None:
    assert list(words("黑豹隊A2型")) == ["黑豹", "豹隊", "a2", "型"]
    assert list(words("กขคง")) == ["กขค", "ขคง"]


def test_a_text_nothing_is_known_of_is_taken_for_english() -> None:
    assert language_of("0000 9999") == "en"
    assert stems("batteries", "xx") == ["batteries"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AMAZON_2017_10K.pdf", "amazon 2017 10 k"),
        ("petrel-4-manual.pdf", "petrel 4 manual"),
        ("AnnualReport2017.docx", "annual report 2017"),
        ("Über uns.md", "über uns"),
        (".gitignore", "gitignore"),
        ("___", ""),
    ],
)
def test_the_words_of_a_file_name(name: str, expected: str) -> None:
    assert " ".join(file_words(name)) == expected
