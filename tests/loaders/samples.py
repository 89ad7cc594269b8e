"""Small real files of the formats, made from text by hand: nothing here comes from other projects."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

Parts = Mapping[str, str | bytes]
Cell = str | int | float

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_CORE = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
_ODF = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{uri}:1.0"'
    for name, uri in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing", "meta": "meta",
        "presentation": "presentation", "style": "style", "svg": "svg-compatible",
    }.items()
)  # fmt: skip


def archive(parts: Parts) -> bytes:
    """A zip container."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def relationships(targets: Mapping[str, str]) -> str:
    """A part of relationships: `kind` to `target`, with the ids r1, r2 …"""
    entries = "".join(
        f'<Relationship Id="r{i}" Type="{kind if "/" in kind else f"{_TYPE}/{kind}"}" '
        f'Target="{target}"/>'
        for i, (target, kind) in enumerate(targets.items(), 1)
    )
    return f'<Relationships xmlns="http://x/relationships">{entries}</Relationships>'


def core(title: str = "", modified: str = "", language: str = "") -> str:
    return (
        '<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<dc:title>{title}</dc:title><dcterms:modified>{modified}</dcterms:modified>"
        f"<dc:language>{language}</dc:language></cp:coreProperties>"
    )


def paragraph(text: str, style: str = "", more: str = "", numbering: tuple[int, int] = ()) -> str:  # type: ignore[assignment]
    """A paragraph of Word; `numbering`: the list and the level of an item; `more`: further runs."""
    inside = f'<w:pStyle w:val="{style}"/>' if style else ""
    if numbering:
        inside += (
            f'<w:numPr><w:ilvl w:val="{numbering[1]}"/><w:numId w:val="{numbering[0]}"/></w:numPr>'
        )
    run = f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>' if text else ""
    return f"<w:p><w:pPr>{inside}</w:pPr>{run}{more}</w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of Word; a cell that begins with `<` is taken as it stands."""
    lines = (
        "".join(f"<w:tc>{cell if cell.startswith('<') else paragraph(cell)}</w:tc>" for cell in row)
        for row in rows
    )
    return "<w:tbl>" + "".join(f"<w:tr>{line}</w:tr>" for line in lines) + "</w:tbl>"


def docx(body: str, parts: Parts | None = None, properties: str = "") -> bytes:
    """A Word document. `parts` beside the text are related to it by the names of their files."""
    styles = (
        f"<w:styles {_W}>"
        '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="H2"><w:name w:val="heading 2"/><w:basedOn w:val="H1"/></w:style>'
        '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style>'
        '<w:style w:styleId="Cap"><w:name w:val="caption"/></w:style></w:styles>'
    )
    others = {"styles.xml": styles, **(parts or {})}
    kinds = {name: name.removesuffix(".xml") for name in others}
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": relationships(
                {"word/document.xml": "officeDocument", "docProps/core.xml": _CORE}
            ),
            "docProps/core.xml": properties or core(),
            "word/document.xml": f"<w:document {_W} {_R}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relationships(kinds),
            **{f"word/{name}": content for name, content in others.items()},
        }
    )


def numbering(levels: Sequence[tuple[str, str]], restarts: bool = False) -> str:
    """The numbering part of Word: two lists of the same kind; `levels` are format and text."""
    inside = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for i, (form, text) in enumerate(levels)
    )
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    return (
        f'<w:numbering {_W}><w:abstractNum w:abstractNumId="7">{inside}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="7"/>{override if restarts else ""}</w:num>'
        "</w:numbering>"
    )


def word_part(name: str, content: str) -> str:
    """Another part of Word, like `footnotes`."""
    return f"<w:{name} {_W}>{content}</w:{name}>"


def shape(text: str, kind: str = "") -> str:
    """A shape of a slide with a line of text for each line; `kind`: of its placeholder."""
    place = f'<p:ph type="{kind}"/>' if kind else ""
    lines = "".join(f"<a:p><a:r><a:t>{escape(t)}</a:t></a:r></a:p>" for t in text.split("\n"))
    return f"<p:sp><p:nvSpPr><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:txBody>{lines}</p:txBody></p:sp>"


def slide_table(rows: Sequence[Sequence[str]]) -> str:
    lines = "".join(
        "<a:tr>"
        + "".join(
            f"<a:tc><a:txBody><a:p><a:r><a:t>{escape(cell)}</a:t></a:r></a:p></a:txBody></a:tc>"
            for cell in row
        )
        + "</a:tr>"
        for row in rows
    )
    return f"<p:graphicFrame><a:graphic><a:tbl>{lines}</a:tbl></a:graphic></p:graphicFrame>"


def pptx(slides: Sequence[str], notes: str = "", properties: str = "") -> bytes:
    """A presentation; the slides stand in the file in reverse order. `notes`: of the first one."""
    order = list(reversed(range(1, len(slides) + 1)))
    ids = "".join(f'<p:sldId id="{255 + i}" r:id="r{order.index(i) + 1}"/>' for i in sorted(order))
    tree = "<p:{0} {1} {2} {3}><p:cSld><p:spTree>{4}</p:spTree></p:cSld></p:{0}>"
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relationships(
            {"ppt/presentation.xml": "officeDocument", "docProps/core.xml": _CORE}
        ),
        "docProps/core.xml": properties or core(),
        "ppt/presentation.xml": f"<p:presentation {_P} {_R}><p:sldIdLst>{ids}</p:sldIdLst>"
        "</p:presentation>",
        "ppt/_rels/presentation.xml.rels": relationships(
            {f"slides/slide{i}.xml": "slide" for i in order}
        ),
    }
    for i, content in enumerate(slides, 1):
        parts[f"ppt/slides/slide{i}.xml"] = tree.format("sld", _P, _A, _R, content)
    if notes:
        parts["ppt/slides/_rels/slide1.xml.rels"] = relationships(
            {"../notesSlides/notesSlide1.xml": "notesSlide"}
        )
        parts["ppt/notesSlides/notesSlide1.xml"] = tree.format("notes", _P, _A, _R, notes)
    return archive(parts)


def xlsx(sheets: Mapping[str, Sequence[Sequence[Cell]]], properties: str = "") -> bytes:
    """A workbook; an empty cell is "", an empty row ()."""
    parts: dict[str, str] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relationships(
            {"xl/workbook.xml": "officeDocument", "docProps/core.xml": _CORE}
        ),
        "docProps/core.xml": properties or core(),
        "xl/workbook.xml": f"<workbook {_S} {_R}><sheets>"
        + "".join(
            f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(sheets, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relationships(
            {f"worksheets/sheet{i}.xml": "worksheet" for i in range(1, len(sheets) + 1)}
        ),
    }
    for i, rows in enumerate(sheets.values(), 1):
        lines = "".join(_sheet_row(number, row) for number, row in enumerate(rows, 1))
        parts[f"xl/worksheets/sheet{i}.xml"] = (
            f"<worksheet {_S}><sheetData>{lines}</sheetData></worksheet>"
        )
    return archive(parts)


def _sheet_row(number: int, row: Sequence[Cell]) -> str:
    cells = ""
    for column, value in enumerate(row):
        place = f"{chr(ord('A') + column)}{number}"
        if isinstance(value, str) and value:
            cells += f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        elif value != "":
            cells += f'<c r="{place}"><v>{value}</v></c>'
    return f'<row r="{number}">{cells}</row>'


def xls(rows: Sequence[Sequence[Cell]], sheet: str = "Sheet") -> bytes:
    """A workbook of Excel 97-2003 (BIFF8) with one sheet."""

    def record(kind: int, data: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    begin = struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)
    name = struct.pack("<BB", len(sheet), 0) + sheet.encode("latin-1")
    globals_ = record(0x0809, begin)
    offset = len(globals_) + 4 + 6 + len(name) + 4
    globals_ += record(0x0085, struct.pack("<IH", offset, 0) + name) + record(0x000A)
    stream = globals_ + record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            place = struct.pack("<HHH", i, j, 0)
            if isinstance(value, str):
                text = struct.pack("<HB", len(value), 0) + value.encode("latin-1")
                stream += record(0x0204, place + text)
            else:
                stream += record(0x0203, place + struct.pack("<d", value))
    return ole({"Workbook": (stream + record(0x000A)).ljust(4096, b"\0")})


def odf(kind: str, body: str, styles: str = "", meta: str = "") -> bytes:
    """An OpenDocument file; `kind`: text, spreadsheet or presentation."""
    content = (
        f"<office:document-content {_ODF}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
        "</office:body></office:document-content>"
    )
    properties = (
        f'<office:document-meta {_ODF} xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<office:meta>{meta}</office:meta></office:document-meta>"
    )
    return archive(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": "<manifest/>",
            "content.xml": content,
            "meta.xml": properties,
        }
    )


def ods(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    tables = ""
    for name, rows in sheets.items():
        lines = ""
        for row in rows:
            cells = "".join(
                f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p>'
                "</table:table-cell>"
                for cell in row
            )
            lines += f"<table:table-row>{cells}</table:table-row>"
        tables += f'<table:table table:name="{name}">{lines}</table:table>'
    return odf("spreadsheet", tables)


_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR, _MINI = 512, 64


def ole(streams: Mapping[str, bytes]) -> bytes:
    """An OLE container; `/` in a name stands for the storage the stream is in."""
    fat: list[int] = []
    sectors: list[bytes] = []

    def put(data: bytes) -> int:
        pieces = [data[i : i + _SECTOR] for i in range(0, len(data), _SECTOR)]
        first = len(fat)
        for i, piece in enumerate(pieces):
            sectors.append(piece.ljust(_SECTOR, b"\0"))
            fat.append(first + i + 1 if i + 1 < len(pieces) else _END)
        return first if pieces else _END

    mini = b""
    mini_fat: list[int] = []
    places: dict[str, tuple[int, int]] = {}
    for name, data in streams.items():
        if len(data) >= 4096:
            places[name] = put(data), len(data)
            continue
        count = -(-len(data) // _MINI)
        places[name] = (len(mini_fat) if count else _END), len(data)
        first = len(mini_fat)
        mini_fat += [first + i + 1 if i + 1 < count else _END for i in range(count)]
        mini += data.ljust(count * _MINI, b"\0")
    mini_start = put(mini)
    mini_fat_start = put(struct.pack(f"<{len(mini_fat)}I", *mini_fat))
    directory = _directory(places, mini_start, len(mini))
    directory_start = put(directory)
    fat_sectors = -(-(len(fat) + 1) // 127)
    fat_starts = list(range(len(fat), len(fat) + fat_sectors))
    fat += [_FAT] * fat_sectors
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(fat_sectors * _SECTOR, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors,
        directory_start, 0, 4096, mini_fat_start if mini_fat else _END,
        -(-len(mini_fat) * 4 // _SECTOR), _END, 0, fat_starts[0],
    )  # fmt: skip
    header += struct.pack("<108I", *(fat_starts[1:] + [_FREE] * (108 - len(fat_starts[1:]))))
    return header + b"".join(sectors) + table


def _directory(places: Mapping[str, tuple[int, int]], mini_start: int, mini_size: int) -> bytes:
    """The entries: the root, then streams and storages; siblings hang on one another's right."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, mini_start, mini_size]]
    storages = {"": 0}
    last: dict[int, int] = {}

    def add(parent: int, name: str, kind: int, start: int, size: int) -> int:
        entries.append([name, kind, _FREE, _FREE, start, size])
        number = len(entries) - 1
        if parent in last:
            entries[last[parent]][2] = number
        else:
            entries[parent][3] = number
        last[parent] = number
        return number

    for path, (start, size) in places.items():
        folder, _, name = path.rpartition("/")
        parent = 0
        for i, part in enumerate(folder.split("/") if folder else []):
            key = "/".join(folder.split("/")[: i + 1])
            if key not in storages:
                storages[key] = add(parent, part, 1, 0, 0)
            parent = storages[key]
        add(parent, name, 2, start, size)
    packed = b""
    for name, kind, right, child, start, size in entries:
        label = str(name).encode("utf-16-le")
        packed += label.ljust(64, b"\0") + struct.pack(
            "<HBBIII36xIQ", len(label) + 2, kind, 1, _FREE, right, child, start, size
        )
    return packed
