"""Reading files: bytes of a document in, titled units of text out.

`worker.ReaderProcess` is what the rest of the program uses: it reads every file in a limited child
process, because a crafted file can hang, crash or bloat the library that parses it. Knows nothing
of chunks, of the catalog and of where files come from.

    formats.py         the table of formats, and the reader string kept with each document
    sniff.py           which format a file is: by its content first, then by its name
    containers.py      the same, for what is in zip and OLE containers
    loading.py         one file to one document, in this process
    worker.py          the reading process, from outside
    protocol.py        documents as frames             child.py        the reading process itself
    limits.py          the most that a file may take
    libreoffice.py     doc and ppt to docx and pptx    confined.py     how a foreign program runs
    tesseract.py       pictures of text to text        word_boxes.py   where its words stand
    picture.py         pictures, marked, for OCR       text_picture.py the text of a unit, drawn
    fonts.py           what to draw it with

Formats:

    pdf.py             PDF: pages, states, title       pdf_text.py     the text of one page
    pdf_second_try.py  PDF by pypdf                    pdf_picture.py  a page as PNG, quotes marked
    image.py           images: their pages
    charmap.py         from stored text to pdfium's characters
    docx.py            Word                            docx_styles.py  its headings and numbers
    pptx.py            PowerPoint                      opc.py          packaging of docx, pptx, xlsx
    odt.py             OpenDocument text               odp.py          and presentations
    odf.py             what they share                 spreadsheet.py  xlsx, xlsb, xls, ods
    office97.py        doc and ppt without LibreOffice
    eml.py             messages                        mbox.py         mailboxes
    mail.py            what they share                 msg.py          messages of Outlook
    html.py            HTML                            mhtml.py        saved web pages
    epub.py            books                           fb2.py          books of FictionBook
    markdown.py        Markdown                        rst.py          reStructuredText
    org.py             Org mode                        tex.py          LaTeX
    rtf.py             rich text                       rtf_packed.py   as Outlook stores it
    ipynb.py           notebooks
    delimited.py       csv and tsv                     json_values.py  JSON and JSON lines
    xml_text.py        XML of any kind                 code.py         source code
    plain.py           text

Shared by them:

    encoding.py        bytes to text                   cleaning.py     text without invisible marks
    archive.py         zip containers                  markup.py       XML
    sections.py        units by heading                rows.py         units of whole rows
    numbers.py         i, ii, iii                      stated.py       titles, dates, languages
"""
