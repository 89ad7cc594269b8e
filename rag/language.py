"""Which language a text is in, as far as searching needs to know. By rules: knows no model.

A script that one language in the main uses tells it at once; among the languages of the Latin
script the commonest words decide. A wrong guess costs little: a text is found by the same rules
that it was indexed with, in whatever language it was taken for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

ENGLISH = "en"
UNSPACED = ("zh", "ja", "th")
"""Written without spaces between words."""

NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "ta": "Tamil", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip

# Script to language, the first that a tenth of the letters is in. Kana before Han: Japanese has both.
_SCRIPTS = (
    ("ja", "\u3040-\u30ff"), ("zh", "\u3400-\u9fff\uf900-\ufaff"), ("ko", "\uac00-\ud7af\u1100-\u11ff"),
    ("th", "\u0e00-\u0e7f"), ("hi", "\u0900-\u097f"), ("bn", "\u0980-\u09ff"), ("ta", "\u0b80-\u0bff"),
    ("he", "\u0590-\u05ff"), ("el", "\u0370-\u03ff\u1f00-\u1fff"), ("ru", "\u0400-\u04ff"),
    ("ar", "\u0600-\u06ff"),
)  # fmt: skip
_PATTERNS = tuple((language, re.compile(f"[{letters}]")) for language, letters in _SCRIPTS)
_MARKS = {"uk": re.compile("[іїєґ]"), "fa": re.compile("[پچژگ]")}
_SIBLING = {"ru": "uk", "ar": "fa"}  # the same script, told by letters of its own
_SHARE = 0.1  # of the letters
_LOOKED_AT = 2000  # characters
_LEAST = 2  # common words of a language that tell it; a single one may be a name or a coincidence

_COMMON = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in is was for that with as on by are from at this it be which or an were "
        "what who when where how why does did has have not its their "
        "a an do can may more no than other about most many also been i he she they we you my your",
        "de": "der die das und in den von zu mit ist des im für auf dem eine ein nicht sich als auch "
        "wurde werden aus bei nach wie was wer wann wo welche welcher warum sind hat",
        "fr": "le la les de des et en un une du dans est que pour qui par sur au plus avec ce pas sont "
        "quel quelle quels quand où comment pourquoi combien été cette aux",
        "es": "el la los las de y en que un una del por con para es se al como más fue su qué cuál "
        "cuándo dónde cómo quién cuántos son entre lo",
        "pt": "o a os as de e em que um uma do da dos das por com para é se ao como mais foi na no não "
        "qual quando onde quem quantos são pelo pela",
        "it": "il lo la i gli le di e in che un una del della dei per con è si al come più fu nel sono "
        "non quale quando dove chi quanti anche dal alla",
        "nl": "de het een en van in is dat op te voor met zijn door aan wat wie wanneer waar hoe welke "
        "niet er ook bij naar uit werd als",
        "sv": "och att det som en är av för på med den till var ett inte om vad vem när hur vilken "
        "från har eller de i",
        "da": "og at det som en er af for på med den til var et ikke om hvad hvem hvornår hvor hvordan "
        "hvilken fra har eller de i blev",
        "no": "og at det som en er av for på med den til var et ikke om hva hvem når hvor hvordan "
        "hvilken fra har eller de i ble",
        "fi": "ja on ei se että oli joka mutta myös kun tai hän ovat kuin mitä mikä kuka milloin missä "
        "miten kuinka jonka sen sekä",
        "hu": "a az és hogy nem is egy van volt meg ez mint csak mi ki mikor hol hogyan melyik milyen "
        "azt vagy már kell",
        "ro": "și în de la cu pe din nu un o este care a al ale sau ce cine când unde cum câți câte "
        "pentru prin fost sunt mai lui către",
        "tr": "ve bir bu için ile olarak da de ne en çok daha olan gibi kadar hangi kim nerede nasıl "
        "kaç zaman nedir hangisi olduğu tarafından sonra",
        "vi": "và của là có được trong các một những cho không với đã người này gì nào khi ở đâu ai "
        "bao nhiêu như từ đến vào về",
        "pl": "na do się nie jest że to jak po co kto kiedy gdzie który która jakie dla od "
        "przez są był była oraz",
        "cs": "na se je že do to jak co kdo kdy kde který která jaké pro od byl byla jsou "
        "ve nebo také podle",
    }.items()
}  # fmt: skip
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in _COMMON.items():
    for _word in _words:
        _LANGUAGES_OF.setdefault(_word, []).append(_language)
_WORD = re.compile(r"[^\W\d_]+")


def detect(text: str) -> str | None:
    """The language of a text, as a code of `NAMES`; None where nothing tells."""
    start = text[:_LOOKED_AT].casefold()
    return (None if start.isascii() else _by_script(start)) or _by_common_words(start)


def _by_script(text: str) -> str | None:
    letters = sum(map(str.isalpha, text))
    for language, pattern in _PATTERNS:
        if len(pattern.findall(text)) > _SHARE * letters:
            sibling = _SIBLING.get(language)
            return sibling if sibling and _MARKS[sibling].search(text) else language
    return None


def _by_common_words(text: str) -> str | None:
    counts = dict.fromkeys(_COMMON, 0)
    for word, times in Counter(_WORD.findall(text)).items():
        for language in _LANGUAGES_OF.get(word, ()):
            counts[language] += times
    best = max(counts, key=counts.__getitem__)  # the first of equals: English before the others
    return best if counts[best] >= (1 if best == ENGLISH else _LEAST) else None


def common_words(words: Iterable[str]) -> int:
    """How many of some words, in small letters, are among the commonest of any language."""
    return sum(word in _LANGUAGES_OF for word in words)
