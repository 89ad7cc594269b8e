"""Files for the readers: made here, or taken from ../shared beside the repository where it exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.loaders.worker import ReaderProcess

if TYPE_CHECKING:
    from fpdf import FPDF

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """A file or folder of ../shared; the test is skipped where that is missing."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"{path} is not there: the test corpora are not part of the repository")
        return path

    return find


@pytest.fixture(scope="session")
def reader() -> Iterator[ReaderProcess]:
    """One reading process for all tests: what it survives is part of what is tested."""
    with ReaderProcess() as process:
        yield process


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """A file of the given name and content."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture
def make_pdf(tmp_path: Path) -> Callable[..., Path]:
    """A PDF with one page per text, made by fpdf2; `title` and `password` as the metadata say."""

    def make(
        texts: Sequence[str], name: str = "made.pdf", title: str = "", password: str = ""
    ) -> Path:
        from fpdf import FPDF

        pdf = FPDF()
        pdf.set_font("helvetica", size=12)
        if title:
            pdf.set_title(title)
        if password:
            pdf.set_encryption(owner_password="owner", user_password=password)
        for text in texts:
            pdf.add_page()
            pdf.multi_cell(0, text=text)
        path = tmp_path / name
        pdf.output(str(path))
        return path

    return make


@pytest.fixture
def drawn_pdf(tmp_path: Path) -> Callable[..., Path]:
    """A PDF of 612 by 792 points, in Helvetica of 10 points, with one page per drawing function."""

    def make(*pages: Callable[[FPDF], object], name: str = "drawn.pdf") -> Path:
        from fpdf import FPDF

        pdf = FPDF(unit="pt", format=(612, 792))
        pdf.set_auto_page_break(False)
        for draw in pages:
            pdf.add_page()
            pdf.set_font("helvetica", size=10)
            draw(pdf)
        path = tmp_path / name
        pdf.output(str(path))
        return path

    return make


@pytest.fixture
def raw_pdf(tmp_path: Path) -> Callable[..., Path]:
    """A one-page PDF showing `shown`, whose letters mean what `meanings` says (UTF-16 in hex)."""

    def make(shown: str, meanings: dict[str, str] | None = None, page: str = "") -> Path:
        path = tmp_path / "raw.pdf"
        path.write_bytes(_assembled(shown, meanings or {}, page))
        return path

    return make


def _assembled(shown: str, meanings: dict[str, str], page: str) -> bytes:
    content = f"BT /F1 20 Tf 100 700 Td ({shown}) Tj 0 -30 Td (The second line.) Tj ET"
    rows = "\n".join(f"<{ord(letter):02X}> <{code}>" for letter, code in meanings.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def "
        "/CMapType 2 def 1 begincodespacerange <00> <FF> endcodespacerange\n"
        f"{len(meanings)} beginbfchar\n{rows}\nendbfchar endcmap end end"
    )
    unicode = "/ToUnicode 6 0 R" if meanings else ""
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            f"/Resources<</Font<</F1 5 0 R>>>>{page}>>"
        ),
        f"<</Length {len(content)}>>\nstream\n{content}\nendstream",
        f"<</Type/Font/Subtype/Type1/BaseFont/Helvetica{unicode}>>",
        f"<</Length {len(cmap)}>>\nstream\n{cmap}\nendstream",
    ]
    out = b"%PDF-1.7\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    end += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    return out + end.encode()
