"""Text files in which every page has a word that stands nowhere else.

So what a search has to find is known from the files alone, whatever the library says. Every version
of a file that was ever written is remembered by its SHA-256: after a kill a document must be one of
them, whole.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path

_VOCABULARY = """
harbour keeper ladder copper window garden valley winter signal market teacher bridge candle river
engine letter morning paper silver table voyage weather captain doctor field glass island journey
kitchen lantern mirror needle orchard pocket quarter railway station tower uncle village wagon
carried found opened answered followed measured painted repaired counted borrowed crossed described
under behind across before against between without toward during beyond heavy narrow quiet sudden
""".split()
_CONSONANTS = "bdfgklmnprtvz"
_VOWELS = "aeiou"


def distinctive_word(number: int) -> str:
    """A word that no other number has; no stemmer shortens it, no document has it by chance."""
    letters = "zq"
    for _ in range(5):
        number, consonant = divmod(number, len(_CONSONANTS))
        number, vowel = divmod(number, len(_VOWELS))
        letters += _CONSONANTS[consonant] + _VOWELS[vowel]
    return letters + "k"


@dataclass(slots=True)
class Corpus:
    """A folder of generated files that can be changed. `versions`: SHA-256 to distinctive words."""

    folder: Path
    seed: int = 1
    versions: dict[str, list[str]] = field(default_factory=dict)
    _made: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)
        self.folder.mkdir(parents=True, exist_ok=True)

    def add_short(self, count: int) -> list[Path]:
        """New files of one page each."""
        return [self._write(self._name("note"), pages=1) for _ in range(count)]

    def add_long(self, pages: int) -> Path:
        """One new file with so many pages, each a chunk."""
        return self._write(self._name("long"), pages)

    def rewrite(self, count: int) -> list[Path]:
        """New text for some of the short files."""
        return [self._write(path, pages=1) for path in self._some("note", count)]

    def delete(self, count: int, kind: str = "note") -> list[Path]:
        paths = self._some(kind, count)
        for path in paths:
            path.unlink()
        return paths

    def words_now(self) -> list[str]:
        """The distinctive words of the files as they are now."""
        return [word for path in self.files() for word in self.versions[sha256(path)]]

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.txt"))

    def _name(self, kind: str) -> Path:
        return self.folder / f"{self._made:05}-{kind}.txt"

    def _some(self, kind: str, count: int) -> list[Path]:
        return self._random.sample(sorted(self.folder.glob(f"*-{kind}.txt")), count)

    def _write(self, path: Path, pages: int) -> Path:
        words = []
        texts = []
        for _ in range(pages):
            words.append(distinctive_word(self.seed * 100_000 + self._made))
            self._made += 1
            texts.append(self._page(words[-1]))
        path.write_text("\f\n".join(texts))
        self.versions[sha256(path)] = words
        return path

    def _page(self, word: str) -> str:
        before = " ".join(self._random.choices(_VOCABULARY, k=7))
        after = " ".join(self._random.choices(_VOCABULARY, k=8))
        return f"The {before} {word} {after}.\n"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
