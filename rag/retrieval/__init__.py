"""Finding passages. `retriever.py` is the way in; the rest are its parts.

recipe.py      the stages of a search and how much each counts
scope.py       what part of the library a question is asked of
allowed.py     the chunks that a filter leaves
memory.py      the vectors of all chunks in memory, for what a filter leaves
dense.py       nearest chunks by vector: the generation, its tail, or an exact scan
lexical.py     best chunks by BM25: the keyword index and its tail
overfetch.py   asking an index for more until enough live, allowed hits are left
candidates.py  what either search found, with both scores of each
fusion.py      two scores to one, the question moved towards what it found (pure)
names.py       names in a text that may be those of other documents (pure)
ranking.py     the stages of a recipe, one after the other
languages.py   what the languages of question and documents mean for a search (pure)
passages.py    hits to passages: neighbours joined, duplicates merged (pure)
"""
