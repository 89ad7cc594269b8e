import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders.garbled import unreadable_share
from rag.loaders.loading import load

ENGLISH = (
    "The committee met on the third of May and decided to renew the contract for two years. It was "
    "not sure whether the price would stay as it is, and asked for another report before the end of "
    "the summer. Members who could not come have been told by letter what was decided, and why. "
) * 3
OTHERS = {
    "de": "Der Ausschuss hat am dritten Mai beschlossen, den Vertrag um zwei Jahre zu erneuern, weil "
    "die Preise wahrscheinlich nicht so bleiben werden wie sie sind. ",
    "pl": "Komisja zebrała się trzeciego maja i postanowiła przedłużyć umowę na dwa lata, ponieważ "
    "ceny prawdopodobnie nie pozostaną takie same jak dotychczas. ",
    "la": "Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, aliam Aquitani, "
    "tertiam qui ipsorum lingua Celtae, nostra Galli appellantur. ",
    "id": "Panitia bertemu pada tanggal tiga Mei dan memutuskan untuk memperpanjang kontrak selama "
    "dua tahun karena harga mungkin tidak akan tetap seperti sekarang. ",
    "cy": "Cyfarfu'r pwyllgor ar y trydydd o Fai a phenderfynodd adnewyddu'r contract am ddwy "
    "flynedd gan na fydd y prisiau yn aros fel y maent. ",
    "fi": "Valiokunta kokoontui kolmantena toukokuuta ja päätti uusia sopimuksen kahdeksi vuodeksi, "
    "sillä hinnat tuskin pysyvät sellaisina kuin ne ovat. ",
}


def moved(text: str, distance: int) -> str:
    small, large = string.ascii_lowercase, string.ascii_uppercase
    table = str.maketrans(
        small + large, small[distance:] + small[:distance] + large[distance:] + large[:distance]
    )
    return text.translate(table)


@pytest.mark.parametrize("distance", range(1, 26))
def test_letters_moved_by_a_constant_are_no_text(distance: int) -> None:
    assert unreadable_share(moved(ENGLISH, distance)) == 1.0


def test_codes_moved_by_a_constant_are_no_text() -> None:
    shifted = "".join(chr(ord(c) - 29) if c.isalpha() else c for c in ENGLISH)
    assert unreadable_share(shifted) == 1.0


def test_letters_exchanged_at_random_are_mostly_known() -> None:
    chooser = random.Random(4)
    known = 0
    for _ in range(100):
        letters = "".join(chooser.sample(string.ascii_lowercase, 26))
        exchanged = ENGLISH.lower().translate(str.maketrans(string.ascii_lowercase, letters))
        known += unreadable_share(exchanged) == 1.0
    assert known >= 75


@pytest.mark.parametrize("language", OTHERS)
def test_languages_are_text_whether_their_words_are_known_or_not(language: str) -> None:
    assert unreadable_share(OTHERS[language] * 4) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Revenue 1,234 1,120 998\nCost of sales 880 790 712\nGross profit 354 330 286\n" * 20,
        "BX-4471 KLMNT-22 rev. C; BX-4472 KLMNT-23 rev. D; " * 30,
        "for (int i = 0; i < n; i++) { sum += data[i] * wght[i]; }\nreturn sum / cnt;\n" * 20,
        "GmbH KG AG Ltd PLC BV SA SpA Inc LLC " * 30,
        "Anna Weber, Karl Winter, Peter Hofmann, Luise Kurz, Johann Sommer, " * 20,
        "Gur pbzzvggrr zrg ba gur guveq bs Znl",
        "1 2 3 4 5 6 7 8 9 10 " * 100,
        "",
    ],
)
def test_tables_part_numbers_code_names_and_short_texts_are_text(text: str) -> None:
    assert unreadable_share(text) == 0.0


def test_private_and_replacement_characters_are_counted() -> None:
    assert unreadable_share("ab\ue000\ufffd") == 0.5


def test_a_page_whose_font_names_other_letters_is_garbled(raw_pdf: Callable[..., Path]) -> None:
    from rag.errors import NoText

    meanings = {c: f"{ord(moved(c, 7)):04X}" for c in string.ascii_letters}
    with pytest.raises(NoText, match="garbled"):
        load(raw_pdf(ENGLISH[:700], meanings))
