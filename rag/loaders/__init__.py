"""Reading files: bytes of a document in, titled units of text out.

`worker.ReaderProcess` is what the rest of the program uses: it reads every file in a limited child
process (`child.py`), because a crafted file can hang, crash or bloat the library that parses it.
`formats.FORMATS` lists the formats; each has one module here with `read(path) -> Reading`.

Knows nothing of chunks, of the catalog and of where files come from.
"""
