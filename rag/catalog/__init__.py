"""The catalog: one SQLite file, the only truth. Everything else is derived and can be rebuilt.

    schema.py      the tables and their migrations
    connection.py  opening, reading in one snapshot, writing in one transaction
    backups.py     copies of the file: their names, which is due, which are kept
    replacing.py   another file in its place, of a backup or of another machine
    documents.py   files, their units, what became of each
    chunks.py      live chunks and the log of changes that the indexes follow
    recognitions.py  pages as OCR read them
    vectors.py     vectors by text and identity
    indexing.py    published generations, watermarks, the library's embedding identities
    runs.py        the history of ingestion runs

The modules below `connection` are functions of an open connection; they hold no state.
"""
