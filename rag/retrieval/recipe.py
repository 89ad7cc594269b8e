"""What a search does, stage by stage, and how much each stage counts. Data only.

`BEST` is what the product does. `STAGES` lists the ways there for `rag evaluate`, each with one stage
more than the one before; docs/retrieval.md has their figures. The weights were fitted once, on the
dev halves of public test sets, and are the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which stages a search goes through."""

    keyword: bool = True
    dense: bool = True
    fusion: Literal["ranks", "scores"] = "scores"
    """`scores`: of every candidate both scores are known, each as a share of the best."""
    feedback: bool = True
    """The best few candidates move the question's vector towards themselves (Rocchio)."""
    names: bool = True
    """A document that the best passages name by its title joins the candidates."""


BEST = Recipe()
STAGES: dict[str, Recipe] = {
    "keyword": Recipe(dense=False, feedback=False, names=False),
    "dense": Recipe(keyword=False, feedback=False, names=False),
    "rank fusion": Recipe(fusion="ranks", feedback=False, names=False),
    "score fusion": Recipe(feedback=False, names=False),
    "with feedback": Recipe(names=False),
    "hybrid": BEST,
}

DEPTH = 100  # hits that each search brings to the fusion, or as many as are asked for
DENSE_WEIGHT = 0.6  # of the two shares; the rest is the keywords'
DENSE_WEIGHT_UNSERVED = 0.1  # for a language that the embedding model was not made for
FEEDBACK_FROM = 2  # best candidates
FEEDBACK_WEIGHT = 0.5  # of their mean vector beside the question's own
PHRASE_WEIGHT = 0.3  # beside the two shares, for having a phrase of the question word for word
NAMES_FROM = 3  # best candidates whose text is looked through
NAMED_WEIGHT = 0.3  # of the score of the candidate that names a document
MOST_NAMED = 30  # chunks that named documents bring
