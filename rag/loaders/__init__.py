"""Reading files: bytes of a document in, titled units of text out.

`worker.ReaderProcess` is what the rest of the program uses: it reads every file in a limited child
process, because a crafted file can hang, crash or bloat the library that parses it. Knows nothing
of chunks, of the catalog and of where files come from.

    formats.py         the table of formats, and the reader string kept with each document
    sniff.py           which format a file is: by its content first, then by its name
    loading.py         one file to one document, in this process
    pdf.py             PDF: pages, states, title       pdf_text.py     the text of one page
    pdf_second_try.py  PDF by pypdf                    pdf_picture.py  a page as PNG, quotes marked
    charmap.py         from stored text to pdfium's characters
    html.py            HTML                            markdown.py     Markdown
    sections.py        units by heading, for both      plain.py        text
    encoding.py        bytes to text                   cleaning.py     text without invisible marks
    limits.py          the most that a file may take
    worker.py          the reading process, from outside
    protocol.py        documents as frames             child.py        the reading process itself
"""
