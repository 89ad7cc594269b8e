"""Marked-up text (rst, org, LaTeX, rtf, notebooks, FictionBook) and code: units by what they mark."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders import code, org, rst, rtf, rtf_packed, tex
from rag.loaders.loading import load
from rag.types import Unit
from tests.loaders.samples import archive

Write = Callable[[str, str | bytes], Path]


def shown(units: tuple[Unit, ...]) -> list[tuple[str, str]]:
    return [(unit.label, unit.text) for unit in units]


# ----------------------------------------------------------------- reStructuredText

RST = """\
=====
Tides
=====

:date: 2024-02-03

Intro with :ref:`a role`.

Flood
-----
It rises.

Not a title
---

Ebb
~~~
It falls::

    code
"""


def test_rst_titles_are_levelled_in_the_order_they_are_met(write: Write) -> None:
    reading = rst.read(write("a.rst", RST))
    assert (reading.title, reading.date) == ("Tides", "2024-02-03")
    assert [unit.headings for unit in reading.units] == [
        ("Tides",),
        ("Tides", "Flood"),
        ("Tides", "Flood", "Ebb"),
    ]
    assert reading.units[0].text == "Tides\n\n:date: 2024-02-03\n\nIntro with :ref:`a role`."
    assert reading.units[2].text == "Ebb\n\nIt falls::\n\n    code"


def test_rst_tables_and_short_lines_are_no_titles(write: Write) -> None:
    text = "a   b\n=== ===\n1   2\n\nA long line that is not a title\n---\n"
    (unit,) = rst.read(write("a.rst", text)).units
    assert unit.headings == ()


# ----------------------------------------------------------------- Org


def test_org_headings_links_tables_and_drawers(write: Write) -> None:
    text = (
        "#+TITLE: Tides\n#+DATE: <2024-02-03 Sat>\n#+OPTIONS: toc:nil\n"
        "* TODO [#A] Flood :sea:\n:PROPERTIES:\n:ID: 1\n:END:\n"
        "See [[http://example.org][the page]].\n# a comment\n"
        "#+CAPTION: Heights\n| Pier | Height |\n|------+--------|\n| 5 | 1.10 |\n** Ebb\nIt falls."
    )
    reading = org.read(write("a.org", text))
    assert (reading.title, reading.date) == ("Tides", "2024-02-03")
    assert shown(reading.units) == [
        ("beginning", "Title: Tides\nDate: <2024-02-03 Sat>"),
        ("Flood", "Flood\n\nSee the page.\nCaption: Heights\nPier | Height\n5 | 1.10"),
        ("Flood › Ebb", "Ebb\n\nIt falls."),
    ]


# ----------------------------------------------------------------- LaTeX

LATEX = r"""\documentclass[a4paper]{article}
\usepackage{x} % a comment
\title{Tides \& \textbf{ebb}}\author{Ann \and Bob}\date{2024-02-03}
\begin{document}\maketitle
It costs 5\,\% more~\cite{a,b}. See~\ref{f}. Caf\'e, na\"{\i}ve, \c{c}, \ss{}.
Line two---``quoted''.

\section[short]{Flood \emph{now}}\label{s}
Energy is $E = mc^2$ and
\begin{equation}\label{e}
x = \frac{1}{2}
\end{equation}
\begin{itemize}
  \item one \item[two] two
\end{itemize}
\begin{table}\caption{Heights}\begin{tabular}{l|r}
Pier & Height \\ \hline
5 & \multicolumn{1}{c}{1.10} \\
\end{tabular}\end{table}
\subsection{Code}
\begin{verbatim}
x = {1} % kept?
\end{verbatim}
Claim.\footnote{See B.} \unknown[opt]{kept} \includegraphics[width=1cm]{p.png}
\end{document} after
"""


def test_latex_is_read_as_it_would_be_set(write: Write) -> None:
    reading = tex.read(write("a.tex", LATEX))
    assert (reading.title, reading.date) == ("Tides & ebb", "2024-02-03")
    assert shown(reading.units)[:2] == [
        (
            "Tides & ebb",
            "Tides & ebb\n\nAnn, Bob\n\n"
            "It costs 5 % more. See. Café, naïve, ç, ß. Line two—“quoted”.",
        ),
        (
            "Tides & ebb › Flood now",
            "Flood now\n\nEnergy is E = mc^2 and\n\nx = \\frac{1}{2}\n\n- one\n- two two\n\n"
            "Heights\nPier | Height\n5 | 1.10",
        ),
    ]
    assert reading.units[2].text.endswith("Claim. († See B.) kept")
    assert "after" not in reading.units[2].text


def test_latex_without_a_document_around_it_is_read_too(write: Write) -> None:
    reading = tex.read(write("a.tex", "\\subsection{Part}\nText with {braces.\n"))
    assert shown(reading.units) == [("Part", "Part\n\nText with braces.")]


@pytest.mark.parametrize("text", ["{" * 50_000, "\\a" * 50_000, "\\section{" * 3000, "$" * 50_001])
def test_broken_latex_ends_in_time(text: str, write: Write) -> None:
    tex.read(write("a.tex", f"text {text}"))


# ----------------------------------------------------------------- rich text


def rich(body: str, head: str = "") -> str:
    fonts = r"{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 Mincho;}}"
    styles = r"{\stylesheet{\s0 Normal;}{\s1 heading 1;}{\s2\outlinelevel1 Mine;}}"
    return rf"{{\rtf1\ansi\ansicpg1252\uc1 {fonts}{styles}{head}{body}}}"


def test_rich_text_is_read_under_its_headings(write: Write) -> None:
    info = r"{\info{\title Tides of \'e9t\'e9}{\creatim\yr2020\mo1\dy2}{\revtim\yr2024\mo2\dy3}}"
    body = r"\pard Before.\par\pard\s1 Flood\par\pard\s2 Now\par\pard\plain It rises.\par"
    reading = rtf.read(write("a.rtf", rich(body, info)))
    assert (reading.title, reading.date) == ("Tides of été", "2024-02-03")
    assert shown(reading.units) == [
        ("beginning", "Before."),
        ("Flood", "Flood"),
        ("Flood › Now", "Now\n\nIt rises."),
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"caf\'e9 \u8211? \u-10179?\u-8704?", "café – 😀"),
        (r"{\f1 \'cf\'f0\'e8}{\f2 \'88\'ea}", "При一"),
        (r"{\uc2\u233\'41\'42}x", "éx"),
        (r"a\~b\_c\-d\{\}\\\tab e\line f", "a\u00a0b-cd{}\\\te\nf"),
        (r"\ldblquote q\rdblquote\emdash{}x", "“q”—x"),
        (r"a{\v hidden}{\deleted gone}b", "ab"),
        (r"{\*\unknown no}{\header top}{\pict 00ff}yes", "yes"),
        (r'{\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt link}}', "link"),
        (r"{\listtext 1.\tab}item", "1.\titem"),
        (r"{\shp{\*\shpinst{\sp{\sn x}}{\shptxt boxed\par}}}", "boxed"),
        (r"a\bin5 }}}}}b", "ab"),
        (r"x}} garbage", "x"),
    ],
)
def test_what_rich_text_says(body: str, text: str, write: Write) -> None:
    (unit,) = rtf.read(write("a.rtf", rich(body))).units
    assert unit.text == text


def test_a_table_of_rich_text_has_a_line_for_each_row(write: Write) -> None:
    row = r"\trowd\pard\intbl {}\cell {}\cell\row "
    body = r"Before.\par " + row.format("City", "Euro") + row.format("Rome", r"1\par 2")
    assert rtf.read(write("a.rtf", rich(body + r"\pard After.\par"))).units[0].text == (
        "Before.\n\nCity | Euro\nRome | 1 2\n\nAfter."
    )


def test_headers_are_read_where_there_is_nothing_else(write: Write) -> None:
    assert rtf.read(write("a.rtf", rich(r"{\header Only here\par}"))).units[0].text == "Only here"


def test_groups_within_groups_without_end_are_read(write: Write) -> None:
    content = rich("{" * 100_000 + "deep")
    assert rtf.read(write("a.rtf", content)).units[0].text == "deep"


def test_compressed_rich_text_is_unpacked() -> None:
    # the examples of the format's description ([MS-OXRTFCP] 4)
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d"
        "0a800fa0"
    )
    assert rtf_packed.unpacked(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert rtf_packed.unpacked(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
    assert rtf_packed.unpacked(b"short") == b""


# ----------------------------------------------------------------- notebooks


def test_a_notebook_is_read_with_what_its_code_printed(write: Write) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Tides\n", "Some *text*."]},
        {
            "cell_type": "code",
            "source": "print(1)",
            "outputs": [
                {"output_type": "stream", "text": ["\x1b[31m1\x1b[0m\n"]},
                {"data": {"text/html": "<b>x</b>", "text/plain": "x", "image/png": "AAAA"}},
                {"data": {"text/html": "<table><tr><td>a<td>b</table>"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no"},
            ],
        },
    ]
    document = load(write("a.ipynb", json.dumps({"cells": cells, "metadata": {}, "nbformat": 4})))
    assert (document.format, document.title) == ("ipynb", "Tides")
    assert document.units[0].text == (
        "Tides\n\nSome text.\n\nprint(1)\n\n1\n\nx\n\na | b\n\nValueError: no"
    )


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": [1]}', '{"cells": [{}]}', "[" * 99_999])
def test_what_is_no_notebook_is_read_as_it_stands(text: str, write: Write) -> None:
    (unit,) = load(write("a.ipynb", text)).units
    assert (unit.kind, unit.text) == ("lines", text)


# ----------------------------------------------------------------- FictionBook

FB2 = """<?xml version="1.0" encoding="utf-8"?>
<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info>
<author><first-name>Ann</first-name><last-name>Bell</last-name></author>
<book-title>Tides</book-title><date value="2020-03-04">2020</date><lang>en</lang></title-info>
</description><body><section><title><p>Flood</p></title><p>It <emphasis>rises</emphasis>.</p>
<poem><stanza><v>one</v><v>two</v></stanza></poem><code>a &lt; b</code></section></body>
<binary id="a.png">iVBORw0KGgo=</binary></FictionBook>"""


@pytest.mark.parametrize("packed", [False, True])
def test_a_fiction_book_is_read_by_its_sections(packed: bool, write: Write) -> None:
    content = archive({"a.fb2": FB2}) if packed else FB2
    document = load(write("a.zip" if packed else "a.fb2", content))
    assert (document.format, document.title, document.date, document.language) == (
        "fb2", "Tides", "2020-03-04", "en",
    )  # fmt: skip
    assert [(u.label, u.text) for u in document.units] == [
        ("Tides", "Tides\n\nAnn Bell"),
        ("Tides › Flood", "Flood\n\nIt rises.\n\none\ntwo\na < b"),
    ]


# ----------------------------------------------------------------- code


def test_code_is_cut_where_something_new_begins(write: Write) -> None:
    functions = [f"def f{i}():\n    x = 1\n\n    return x\n" for i in range(20)]
    units = code.read(write("a.py", "\n".join(functions))).units
    assert [unit.text.startswith("def f") for unit in units] == [True] * len(units)
    assert units[0].label == "lines 1–59"
    assert units[0].text.split("\n")[1] == "    x = 1"


def test_code_without_such_places_is_cut_like_text(write: Write) -> None:
    units = code.read(write("a.sql", "\n".join(["SELECT 1,"] * 130))).units
    assert [unit.label for unit in units] == ["lines 1–60", "lines 61–120", "lines 121–130"]
