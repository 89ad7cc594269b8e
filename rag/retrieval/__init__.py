"""Finding passages. `retriever.py` is the way in; the rest are its parts.

dense.py      nearest chunks by vector: the generation, its tail, or an exact scan
lexical.py    best chunks by BM25: the keyword index and its tail
overfetch.py  asking an index for more until enough live, allowed hits are left
fusion.py     reciprocal rank fusion (pure)
passages.py   hits to passages: neighbours joined, duplicates merged (pure)
"""
