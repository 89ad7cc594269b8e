"""The two derived indexes. Both follow the catalog's change log and can be rebuilt from it.

    vector.py       Chroma: one generation, built once, then only read
    generations.py  those that are published: whole or not, and open for reading
    publish.py      when new ones are due; makes, proves, publishes and removes them
    builder.py      the process that builds and proves them, seen from outside
    building.py     one generation built, or proven, in a process of its own
    keyword.py      tantivy: BM25 over text, headings, title and file name
    checksums.py    CRC-32 of large files
    analysis.py     text to the words that the keyword index holds, language by language
    follow.py       brings both up to the catalog

Run as a program (`python -m rag.indexes`), it builds and probes generations in processes of their
own, so that a crash of native code is an exit code and not ours.
"""
