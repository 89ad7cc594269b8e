"""Write the two sample PDFs, `data/petrel-4-manual.pdf` and `data/petrel-4-warranty.pdf`.

    python scripts/make_sample_pdf.py

Needs fpdf2 (a development tool, not a runtime dependency). The output is deterministic: fixed dates, standard
fonts, no compression (so zlib's version doesn't matter), so that a second run gives identical bytes; another
version of fpdf2 may not. The organisation, its people and its products are invented.

The texts stand below as light markup, one paragraph or table row per line:
`# chapter` (new page), `## section`, `- item`, `1. step`, `! warning`, `T: caption | column widths in mm`
followed by `| rows |` (the first is the head), `F: figure | caption`; everything else is a paragraph.
A block is never split over two pages, so every sentence can be found on one page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

DATA = Path(__file__).resolve().parent.parent / "data"
MADE = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)
LEFT, TOP, WIDTH, BOTTOM = (
    24.0,
    27.0,
    162.0,
    272.0,
)  # mm on A4: where text starts, how wide it is, where it ends
INK, NAVY, TEAL, AMBER, RED = (
    (38, 44, 52),
    (19, 52, 86),
    (22, 128, 138),
    (214, 138, 28),
    (183, 54, 48),
)
GREY, RULE, PALE, SEA = (104, 114, 124), (196, 204, 211), (240, 244, 247), (205, 228, 236)
Colour = tuple[int, int, int]
Point = tuple[float, float]


class Booklet(FPDF):
    """A4 pages with a running header and a page number; collects its headings for the table of contents."""

    def __init__(self, title: str, number: str, pages: int = 0, cover_pages: int = 0) -> None:
        super().__init__(format="A4")
        self.title_text, self.number, self.page_total, self.cover_pages = (
            title,
            number,
            pages,
            cover_pages,
        )
        self.headings: list[tuple[int, str, int]] = []  # level, text, page
        self.counts = {"Table": 0, "Figure": 0}
        self.set_compression(False)
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.set_margins(LEFT, TOP, 210 - LEFT - WIDTH)
        self.set_title(f"{title} ({number})")
        self.set_author("Hallowick Instrument Cooperative")
        self.set_subject("Sample document of Vouch; the organisation is invented")
        self.set_lang("en-GB")
        self.set_creation_date(MADE)
        self.set_producer("fpdf2")

    def header(self) -> None:
        if self.page > self.cover_pages:
            self.label(LEFT, 16, self.title_text, 8, GREY)
            self.label(LEFT + WIDTH, 16, self.number, 8, GREY, align="R")
            self.stroke([(LEFT, 19), (LEFT + WIDTH, 19)], RULE)

    def footer(self) -> None:
        if self.page > self.cover_pages:
            self.label(LEFT, 284, "Hallowick Instrument Cooperative, Port Ellary", 8, GREY)
            self.label(
                LEFT + WIDTH, 284, f"Page {self.page} of {self.page_total}", 8, GREY, align="R"
            )

    # Drawing
    def label(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 8,
        colour: Colour = INK,
        style: str = "",
        align: str = "L",
    ) -> None:
        """One line of text with its baseline at `y`; `align` says which end of it, or its middle (C), is at `x`."""
        self.set_font("Helvetica", style, size)
        self.set_text_color(*colour)
        width = self.get_string_width(text)
        self.text(x - {"L": 0.0, "C": width / 2, "R": width}[align], y, text)

    def stroke(
        self, points: Sequence[Point], colour: Colour = INK, width: float = 0.25, dash: float = 0
    ) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(width)
        self.set_dash_pattern(dash=dash, gap=dash)
        self.polyline(points)
        self.set_dash_pattern()

    def box(
        self, x: float, y: float, w: float, h: float, fill: Colour, edge: Colour | None = None
    ) -> None:
        self.set_fill_color(*fill)
        self.set_draw_color(*(edge or fill))
        self.set_line_width(0.25)
        self.rect(x, y, w, h, style="FD" if edge else "F")

    # Flowing text
    def room(self, height: float) -> None:
        if self.get_y() + height > BOTTOM:
            self.add_page()

    def height_of(self, text: str, width: float, line: float) -> float:
        height = self.multi_cell(width, line, text, dry_run=True, output=MethodReturnValue.HEIGHT)
        assert isinstance(height, float)
        return height

    def write_lines(self, x: float, width: float, line: float, text: str) -> None:
        self.set_x(x)
        self.multi_cell(width, line, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def body(self, text: str, marker: str = "") -> None:
        indent = 7.0 if marker else 0.0
        self.set_font("Helvetica", "", 10.5)
        self.room(self.height_of(text, WIDTH - indent, 5.5))
        self.set_text_color(*INK)
        if marker == "-":
            self.set_fill_color(*TEAL)
            self.ellipse(LEFT + 2, self.get_y() + 2.1, 1.3, 1.3, style="F")
        elif marker:
            self.label(LEFT + 1, self.get_y() + 3.95, marker, 10.5, TEAL, "B")
            self.set_font("Helvetica", "", 10.5)
            self.set_text_color(*INK)
        self.write_lines(LEFT + indent, WIDTH - indent, 5.5, text)
        self.ln(1.6 if marker else 2.6)

    def warning(self, text: str) -> None:
        self.set_font("Helvetica", "", 10)
        height = self.height_of(text, WIDTH - 12, 5.2) + 6
        self.room(height + 3)
        top = self.get_y()
        self.box(LEFT, top, WIDTH, height, (253, 246, 233))
        self.box(LEFT, top, 1.6, height, AMBER)
        self.set_text_color(*INK)
        self.set_y(top + 3)
        self.write_lines(LEFT + 6, WIDTH - 12, 5.2, text)
        self.set_y(top + height + 4)

    def heading(self, level: int, text: str, follows: float) -> None:
        """A chapter (level 0) starts a page unless half of one is left; a section stays with the `follows` mm after it."""
        if level == 0 and (not self.headings or self.get_y() > 165):
            self.add_page()
        elif level == 0:
            self.ln(4)
            self.stroke([(LEFT, self.get_y()), (LEFT + WIDTH, self.get_y())], NAVY, 0.6)
            self.ln(5)
        else:
            self.ln(2)
            self.room(9 + follows)
        self.headings.append((level, text, self.page))
        self.start_section(text, level)
        self.set_font("Helvetica", "B", (18, 12.5)[level])
        self.set_text_color(*(NAVY, TEAL)[level])
        self.write_lines(LEFT, WIDTH, (9, 6.5)[level], text)
        self.ln((5, 1.2)[level])

    def caption(self, kind: str, text: str) -> None:
        self.counts[kind] += 1
        self.set_font("Helvetica", "B", 9)
        self.set_text_color(*NAVY)
        self.write_lines(LEFT, WIDTH, 4.6, f"{kind} {self.counts[kind]}: {text}")

    def grid(self, caption: str, widths: Sequence[float], rows: Sequence[Sequence[str]]) -> None:
        self.set_font(
            "Helvetica", "B", 9
        )  # the widest form of the text, so no cell is measured too small
        heights = [
            max(self.height_of(c, w - 4, 4.5) for c, w in zip(r, widths, strict=True)) + 2.6
            for r in rows
        ]
        self.room(sum(heights) + 9)
        self.ln(1)
        self.caption("Table", caption)
        self.ln(1)
        for index, (row, height) in enumerate(zip(rows, heights, strict=True)):
            top, x = self.get_y(), LEFT
            self.box(
                LEFT,
                top,
                sum(widths),
                height,
                NAVY if index == 0 else PALE if index % 2 == 0 else (255, 255, 255),
            )
            self.set_font("Helvetica", "" if index else "B", 9)
            self.set_text_color(*(INK if index else (255, 255, 255)))
            for cell, width in zip(row, widths, strict=True):
                self.set_y(top + 1.3)
                self.write_lines(x + 2, width - 4, 4.5, cell)
                x += width
            self.set_y(top + height)
        self.stroke([(LEFT, self.get_y()), (LEFT + sum(widths), self.get_y())], NAVY)
        self.ln(5)

    def figure(self, name: str, caption: str) -> None:
        draw, height = FIGURES[name]
        self.room(height + 14)
        top = self.get_y() + 1
        self.box(LEFT, top, WIDTH, height, (255, 255, 255), RULE)
        draw(self, LEFT, top)
        self.set_y(top + height + 2)
        self.caption("Figure", caption)
        self.ln(4)

    def contents(self, headings: Sequence[tuple[int, str, int]]) -> None:
        self.add_page()
        self.label(LEFT, 34, "Contents", 18, NAVY, "B")
        middle = (
            next(
                i
                for i, (level, _, page) in enumerate(headings)
                if level == 0 and i > len(headings) * 0.45
            )
            if headings
            else 0
        )
        for column, part in enumerate((headings[:middle], headings[middle:])):
            left, right, y = LEFT + column * 85, LEFT + column * 85 + 77, 44.0
            for level, text, page in part:
                y += 3.0 if level == 0 else 0.0
                self.label(
                    left + 5 * level, y, text, 10 - level, (NAVY, INK)[level], ("B", "")[level]
                )
                start = left + 5 * level + self.get_string_width(text) + 2
                self.stroke([(start, y), (right - 7, y)], RULE, 0.2, 0.6)
                self.label(right, y, str(page), 10 - level, INK, ("B", "")[level], align="R")
                y += 5.2

    def cover(self, lines: Sequence[str]) -> None:
        """The first line is the title, the second the subtitle, the rest stand at the foot."""
        self.add_page()
        self.box(0, 0, 210, 180, NAVY)
        for row in range(9):
            wave = [
                (x, 96 + row * 9 + (2 + row) * math.sin(x / (17 + row) + row))
                for x in range(0, 211, 2)
            ]
            self.stroke(wave, (60 + row * 13, 110 + row * 11, 150 + row * 9), 0.7)
        self.label(LEFT, 52, lines[0], 32, (255, 255, 255), "B")
        self.label(LEFT, 66, lines[1], 16, SEA)
        for index, line in enumerate(lines[2:]):
            self.label(
                LEFT,
                202 + index * 8,
                line,
                12 if index else 14,
                INK if index else NAVY,
                "" if index else "B",
            )

    def render(self, text: str) -> None:
        lines = text.strip().splitlines()
        for index, line in enumerate(lines):
            if found := re.match(r"(#+) (.+)", line):
                follows = 75.0 if lines[index + 1].startswith("T:") else 20.0
                self.heading(len(found[1]) - 1, found[2], follows)
            elif found := re.match(r"(-|\d+\.) (.+)", line):
                self.body(found[2], found[1])
            elif line.startswith("! "):
                self.warning(line[2:])
            elif line.startswith("F: "):
                name, caption = line[3:].split(" | ")
                self.figure(name, caption)
            elif line.startswith("T: "):
                caption, widths = line[3:].split(" | ")
                end = next(
                    (i for i in range(index + 1, len(lines)) if lines[i][0] != "|"), len(lines)
                )
                rows = [
                    [c.strip() for c in row.strip("| ").split("|")]
                    for row in lines[index + 1 : end]
                ]
                self.grid(caption, [float(w) for w in widths.split()], rows)
            elif not line.startswith("|"):
                self.body(line)


def axes(
    pdf: Booklet,
    area: tuple[float, float, float, float],
    xs: Sequence[float],
    ys: Sequence[float],
    names: tuple[str, str],
    x_ticks: bool = True,
) -> Callable[[float, float], Point]:
    """Draw a chart's ticks and grid in `area` (x, y, w, h in mm); returns where a value lies on the page."""
    left, top, w, h = area

    def at(x: float, y: float) -> Point:
        return left + w * (x - xs[0]) / (xs[-1] - xs[0]), top + h * (
            1 - (y - ys[0]) / (ys[-1] - ys[0])
        )

    for y in ys:
        pdf.stroke([at(xs[0], y), at(xs[-1], y)], RULE, 0.15)
        pdf.label(left - 2, at(0, y)[1] + 1, f"{y:g}", 7.5, GREY, align="R")
    for x in xs if x_ticks else ():
        pdf.stroke([at(x, ys[0]), (at(x, ys[0])[0], top + h + 1)], GREY, 0.2)
        pdf.label(at(x, 0)[0], top + h + 4.5, f"{x:g}", 7.5, GREY, align="C")
    pdf.stroke([(left, top), (left, top + h), (left + w, top + h)], GREY, 0.3)
    pdf.label(left + w / 2, top + h + 9.5, names[0], 8, INK, align="C")
    pdf.label(left - 9, top - 3, names[1], 8, INK)
    return at


def draw_station(pdf: Booklet, x: float, y: float) -> None:
    pdf.box(x + 0.2, y + 62, WIDTH - 0.4, 27.8, SEA)
    pdf.box(x + 18, y + 24, 30, 65.8, (214, 209, 200), GREY)
    pdf.set_fill_color(246, 226, 186)
    pdf.polygon([(x + 84, y + 36), (x + 80, y + 62), (x + 88, y + 62)], style="F")
    for x1, y1, w, h, colour in [
        (48, 28, 39, 2.2, GREY),
        (48, 25.5, 1.5, 7, GREY),
        (81, 28, 6, 8, NAVY),
        (24, 8, 12, 15, TEAL),
        (50, 35, 2.4, 45, (90, 98, 106)),
        (49.6, 76, 3.2, 7, RED),
    ]:
        pdf.box(x + x1, y + y1, w, h, colour)
    pdf.box(x + 29.4, y + 23, 1.2, 1.2, GREY)
    pdf.stroke([(x + 38, y + 24), (x + 42, y + 6)], GREY, 0.7)
    pdf.stroke([(x + 37, y + 12), (x + 45, y + 4)], NAVY, 1.6)
    notes = [
        ("1  Electronics housing with keypad", 36, 15, 10),
        ("2  Solar panel", 44, 6, 18),
        ("3  Mounting arm", 70, 29, 26),
        ("4  Radar head", 87, 32, 34),
        ("5  Radar beam, full angle 11 degrees", 86, 50, 48),
        ("6  Water surface", 100, 62, 60),
        ("7  Probe tube, 63 mm", 52, 70, 72),
        ("8  Pressure probe", 53, 80, 82),
    ]
    for text, px, py, ty in notes:
        pdf.stroke([(x + px, y + py), (x + 104, y + ty - 1)], GREY, 0.2)
        pdf.label(x + 106, y + ty, text, 8.5)


def draw_beam(pdf: Booklet, x: float, y: float) -> None:
    at = axes(
        pdf,
        (x + 20, y + 12, 128, 44),
        [0, 3, 6, 9, 12, 15],
        [0, 1, 2, 3],
        ("Distance from radar head to water (m)", "Size (m)"),
    )
    for offset, factor, colour, text, align, dx, dy in [
        (0.0, 2.0, NAVY, "Footprint diameter", "R", -2, -5.5),
        (0.15, 1.0, AMBER, "Clearance from wall", "L", 2, 4.5),
    ]:
        ends = [(d, offset + factor * d * math.tan(math.radians(5.5))) for d in (0.4, 9.0, 15.0)]
        pdf.stroke([at(*p) for p in ends], colour, 0.8)
        label_x, label_y = at(*ends[1])
        pdf.label(label_x + dx, label_y + dy, text, 8, colour, "B", align)


def draw_terminals(pdf: Booklet, x: float, y: float) -> None:
    names = [
        "BAT+",
        "BAT 0",
        "SOL+",
        "SOL 0",
        "RAD V",
        "RAD A",
        "RAD B",
        "RAD 0",
        "PRB I",
        "PRB 0",
        "485 A",
        "485 B",
    ]
    pdf.box(x + 9, y + 22, 144, 20, PALE, GREY)
    for index, name in enumerate(names):
        cx = x + 15 + index * 12
        pdf.box(cx - 4.5, y + 25, 9, 14, (255, 255, 255), GREY)
        pdf.set_draw_color(*NAVY)
        pdf.ellipse(cx - 2, y + 30, 4, 4)
        pdf.label(cx, y + 28.8, str(index + 1), 7.5, NAVY, "B", align="C")
        pdf.label(cx, y + 37.6, name, 6.5, INK, align="C")
    for first, last, text, colour in [
        (0, 1, "Battery BT-24", RED),
        (2, 3, "Solar panel", AMBER),
        (4, 7, "Radar head", NAVY),
        (8, 9, "Pressure probe", TEAL),
        (10, 11, "Control room", GREY),
    ]:
        a, b = x + 15 + first * 12, x + 15 + last * 12
        pdf.box((a + b) / 2 - 11.5, y + 5, 23, 7, colour)
        pdf.label((a + b) / 2, y + 9.6, text, 7.5, (255, 255, 255), "B", align="C")
        pdf.stroke([(a, y + 25), (a, y + 17), (b, y + 17), (b, y + 25)], colour, 0.7)
        pdf.stroke([((a + b) / 2, y + 12), ((a + b) / 2, y + 17)], colour, 0.7)


def draw_autonomy(pdf: Booklet, x: float, y: float) -> None:
    ys = [0, 10, 20, 30, 40]
    at = axes(
        pdf,
        (x + 20, y + 12, 128, 44),
        [0, 6],
        ys,
        ("Logging interval", "Days without sun"),
        x_ticks=False,
    )
    for index, (minutes, days) in enumerate(
        zip((1, 6, 10, 15, 30, 60), (13, 19, 22, 26, 30, 33), strict=True)
    ):
        (left, top), (right, bottom) = at(index + 0.2, days), at(index + 0.8, 0)
        pdf.box(left, top, right - left, bottom - top, NAVY if minutes == 6 else TEAL)
        pdf.label(
            (left + right) / 2,
            bottom + 4.5,
            f"{minutes} min" + " (factory)" * (minutes == 6),
            7.5,
            GREY,
            align="C",
        )
        pdf.label((left + right) / 2, top - 1.5, f"{days} days", 8.5, INK, "B", align="C")


def draw_comparison(pdf: Booklet, x: float, y: float) -> None:
    at = axes(
        pdf,
        (x + 20, y + 12, 128, 48),
        [0, 1, 2, 3, 4, 5],
        [-12, -8, -4, 0, 4, 8, 12],
        ("Water level on the staff (m above datum)", "Gauge minus staff (mm)"),
    )
    pdf.stroke([at(0, 0), at(5, 0)], INK, 0.3)
    for limit in (-5, 5):
        pdf.stroke([at(0, limit), at(5, limit)], RED, 0.4, 1.5)
    for index in range(26):
        level = 2.6 + 2.2 * math.sin(index / 25 * 2 * math.pi)
        px, py = at(level, 1.4 + 2.6 * math.sin(index * 2.4) + 0.8 * math.cos(index * 5.1))
        pdf.set_fill_color(*(NAVY if index < 13 else TEAL))
        pdf.ellipse(px - 0.8, py - 0.8, 1.6, 1.6, style="F")
    pdf.stroke([at(0, 1.4), at(5, 1.4)], AMBER, 0.5)
    pdf.label(
        at(5, 8)[0] - 1,
        at(5, 8)[1] - 2,
        "Red: limits of the mean. Amber: mean, +1.4 mm",
        7.5,
        GREY,
        align="R",
    )


def draw_drift(pdf: Booklet, x: float, y: float) -> None:
    at = axes(
        pdf,
        (x + 20, y + 12, 128, 40),
        [-30, -15, 0, 15, 30, 45, 60],
        [-6, -3, 0, 3, 6],
        ("Air temperature (°C)", "Drift of the distance (mm)"),
    )
    pdf.stroke([at(t, (t - 20) / 10) for t in (-25, 60)], RED, 0.7, 1.5)
    pdf.stroke([at(t, 0.7 * math.sin((t - 20) / 14)) for t in range(-25, 61)], NAVY, 0.8)
    pdf.label(at(40, 3.2)[0], at(40, 3.2)[1], "Without correction", 8, RED, "B", align="R")
    pdf.label(at(59, -1.7)[0], at(59, -1.7)[1], "With built-in correction", 8, NAVY, "B", align="R")


FIGURES: dict[str, tuple[Callable[[Booklet, float, float], None], float]] = {
    "station": (draw_station, 90), "beam": (draw_beam, 68), "terminals": (draw_terminals, 48),
    "autonomy": (draw_autonomy, 68), "comparison": (draw_comparison, 72), "drift": (draw_drift, 64),
}  # fmt: skip

MANUAL_COVER = [
    "Petrel 4 Tide Gauge", "Installation and Operation Manual",
    "Hallowick Instrument Cooperative", "9 Quay Street, Port Ellary",
    "Document HM-410, revision 3, 16 March 2026", "For firmware 4.7 and serial numbers from PT4-0500",
]  # fmt: skip

MANUAL = """
# 1 About this manual
The Petrel 4 is a tide gauge for harbours, piers, river mouths and lock gates. It measures the height of the water surface with a downward-looking radar, checks the result with a submerged pressure probe, and stores or sends one value at every logging interval.
This manual explains how to choose a site, mount the gauge, start it, look after it and find faults. It is written for harbour staff, surveyors and electricians. Daily use needs no knowledge of electronics, but the work in chapter 6 must be done by a person trained for low-voltage installations.
## 1.1 Which gauges it covers
The manual applies to every Petrel 4 with firmware 4.7 and a serial number from PT4-0500 upwards. The serial number is engraved on the left side of the housing, below the lid hinge. Owners of a Petrel 3 need manual HM-303 instead, which is no longer printed but is sent free of charge on request.
T: Variants of the Petrel 4 | 26 58 78
| Code | Connection | Usual place |
| PT4-B | RS-485 cable only | Sites with a control room within 800 m |
| PT4-R | RS-485 and 868 MHz radio | Harbours with a Guillemot receiver |
| PT4-C | RS-485 and mobile modem | Remote coasts with mobile coverage |
## 1.2 Words used here
- The head is the radar sensor at the end of the mounting arm.
- The probe is the pressure sensor that hangs in the water.
- The staff is the graduated pole on the quay wall against which the gauge is checked by eye.
- The datum is the zero to which all water levels refer; most harbours use their local chart datum.
- A burst is one measurement, made of 60 single radar readings.
## 1.3 What is in the box
Check the delivery against Table 2 and report missing parts within seven days. The mounting arm and the solar panel are ordered separately because their length and size depend on the site.
T: Contents of the box | 18 144
| Number | Part |
| 1 | Electronics housing with keypad and display |
| 1 | Radar head with 6 m cable |
| 1 | Pressure probe with 20 m vented cable |
| 1 | Battery BT-24, charged to about 60 % for transport |
| 4 | Stainless steel bolts M10 x 120 with washers |
| 2 | Desiccant sachets of 50 g, sealed |
| 1 | Calibration certificate, valid for 24 months |
# 2 Safety
Read this chapter before the first visit to the site. Most accidents with tide gauges have nothing to do with the gauge: people slip on weed, reach too far over an edge or are surprised by a wave.
## 2.1 Working over water
! Work over water always needs two people, and both must wear life jackets. One of the two stays on firm ground and keeps a throwing line within reach.
Stop work when one of the limits in Table 3 is passed. The limits apply to the place of work, not to the nearest weather station.
T: Limits for work at the station | 62 40 60
| Condition | Limit | Reason |
| Wind speed | 12 m/s | The arm cannot be held safely |
| Wave height at the pier | 0.8 m | Spray and slippery ladders |
| Distance of a thunderstorm | 10 km | The arm is the highest metal part |
| Temperature for wiring | -10 °C | Cable sheaths crack when bent |
## 2.2 Battery
The battery is a lithium iron phosphate pack of 12.8 V and 24 Ah. It holds enough energy to weld a spanner, so never lay tools on an open terminal block. The 5 A blade fuse beside the battery is the last part to go in and the first to come out.
The charge controller stops charging when the battery is colder than 0 °C and resumes at 3 °C. Never charge the pack with a charger for lead-acid batteries. A pack that is swollen, smells sweet or has been under water must be left outdoors and reported to the support desk by telephone.
## 2.3 Radar
The head transmits less than 1 mW at 26 GHz, which is harmless to people, birds and fish. No licence is needed for the head in any country where the gauge is sold. The 868 MHz radio of the PT4-R transmits 25 mW and needs no licence either.
## 2.4 Lifting
A complete station with the 1.2 m arm weighs 14.2 kg: the housing 4.6 kg, the head 1.3 kg, the battery 3.1 kg and the arm 5.2 kg. Carry the battery separately and mount it last. Nothing may be handed over the edge unless it is tied to a line.
# 3 How the gauge works
## 3.1 The measurement
The head looks straight down and measures its distance to the water. The water level is the height of the head above datum minus this distance. If the head is 7.250 m above datum and the water is 4.100 m below the head, the water level is 3.150 m.
F: station | Parts of a station on a harbour pier (not to scale)
One burst takes 60 seconds, with one radar reading every second. The six highest and the six lowest readings are discarded, and the mean of the remaining 48 is stored. In this way a gull under the beam or the wash of a passing boat does no harm.
## 3.2 The probe as a witness
The probe measures the weight of the water above it. Its cable contains a thin vent tube, so that changes of air pressure cancel out. The probe is less accurate than the radar, but it goes wrong for other reasons, and this makes it a good witness.
If radar and probe differ by more than 40 mm in three bursts in a row, the record gets the quality flag Q2. A display or computer that uses the data must look at the flag: a record flagged Q2 must never raise an alarm or close a ramp by itself.
## 3.3 Quality flags
T: Quality flags in every record | 16 66 80
| Flag | Meaning | Use of the value |
| Q0 | Good measurement | Use without limits |
| Q1 | Rough sea, spread over 150 mm | Use, but not for calibration |
| Q2 | Radar and probe differ | Do not use before a check |
| Q3 | Probe only, no radar echo | Use; accuracy is 20 mm |
| Q9 | No valid measurement | Level is left empty |
Ice is the usual reason for Q3. When the water under the head freezes, the radar sees the ice, the probe still feels the water, and the gauge trusts the probe until both agree again for ten bursts.
# 4 Choosing the site
A good site saves more work than a good instrument. Spend one full tide on the quay before you drill a hole, and fill in the survey form (HF-17) that came with the order.
## 4.1 A clear beam
The full opening angle of the radar beam is 11 degrees, so that its footprint on the water grows by 0.19 m with every metre of distance. Nothing may stand inside the beam: no ladder, fender, mooring line or wall.
F: beam | Footprint of the beam, and the clearance the head needs from a wall
The clearance in Table 5 is half the footprint plus a margin of 0.15 m. The 1.2 m arm is long enough up to a distance of 10 m; beyond that the 2.0 m arm is required.
T: Footprint and clearance | 54 54 54
| Distance to water | Footprint diameter | Clearance from wall |
| 2 m | 0.39 m | 0.34 m |
| 5 m | 0.96 m | 0.63 m |
| 8 m | 1.54 m | 0.92 m |
| 10 m | 1.93 m | 1.11 m |
| 15 m | 2.89 m | 1.59 m |
## 4.2 Height of the head
Mount the head at least 0.8 m above the highest water expected, waves included. The radar cannot measure anything closer than 0.4 m or farther away than 15 m.
## 4.3 Places to avoid
- Keep at least 5 m away from outfalls and sluices, because flowing water has a sloping surface.
- Avoid berths where a hull can lie under the head, even for an hour.
- Avoid bridges with expansion joints; a deck that moves by 10 mm moves the gauge by 10 mm.
- Avoid corners where ice, weed or driftwood collects.
## 4.4 Radio path
The radio of the PT4-R reaches 8 km over open water and about 1.5 km through a built-up harbour. The antenna must stand at least 3 m above the highest water, because a wet sea surface swallows a low signal. Test the path at high water, when it is worst.
## 4.5 Benchmark
Choose a benchmark within 100 m of the station that will still be there in twenty years: a bolt in bedrock or in an old quay wall, never in tarmac. The height of the head is levelled from this benchmark, and levelled again every two years.
# 5 Mounting
## 5.1 Tools and time
Two people need about four hours for a complete station. You need a hammer drill with a 12 mm bit, anchor resin, a torque wrench from 2 to 40 Nm, a spirit level, a 13 mm and a 17 mm spanner, a cable knife and the two life jackets of chapter 2.
! Use a torque wrench that has been checked within the last month. A wrench that reads too high leaves glands loose, and a loose gland lets in water.
## 5.2 The arm
1. Hold the arm plate against the wall and mark the four holes.
2. Drill the holes 12 mm wide and 95 mm deep, blow them out twice and fill them two thirds with anchor resin.
3. Set the bolts and wait: the resin cures in 45 minutes at 20 °C and in 3 hours at 5 °C.
4. Fix the arm, level it to within 0.5 degrees in both directions and tighten the bolts to 32 Nm.
## 5.3 The head
1. Push the head into the clamp at the end of the arm with the arrow pointing away from the wall.
2. Turn the clamp until the bubble stands in the inner ring; the head is then plumb to within 1 degree.
3. Tighten the two clamp screws to 8 Nm in turn, and look at the bubble again.
4. Lead the cable along the arm with a drip loop of 10 cm before the housing, so that rain drips off the cable and not into the gland.
## 5.4 The probe
1. Fix the 63 mm polyethylene tube to the wall with one bracket every 1.5 m.
2. Lower the probe until it hangs at least 0.5 m below the lowest astronomical tide and at least 0.3 m above the sea bed.
3. Clamp the cable in the tube cap. Never bend it tighter than a radius of 75 mm, because a kink closes the vent tube.
## 5.5 Torques
All cable glands are tightened to 4.5 Nm with the gland spanner supplied. Lid screws are tightened crosswise, in two rounds.
T: Tightening torques | 62 50 50
| Joint | Thread | Torque |
| Arm plate to wall | M10 | 32 Nm |
| Clamp of the head | M6 | 8 Nm |
| Cable glands | M16 | 4.5 Nm |
| Lid of the housing | M5 | 2.2 Nm |
| Earth stud | M8 | 12 Nm |
# 6 Wiring and power
! Take the 5 A fuse out before you open the terminal block, and wait 10 seconds until the display has gone dark.
## 6.1 Terminal block
F: terminals | Terminal block in the lower part of the housing
Strip every wire by 8 mm and use the ferrules supplied. The colours in Table 7 are those of the original cables. A swapped pair at terminals 6 and 7 does no damage, but the display then shows error E03.
T: Terminals | 24 26 50 62
| Terminal | Mark | Wire | Remark |
| 1 and 2 | BAT | Red, black | Fuse 5 A in the red wire |
| 3 and 4 | SOL | Brown, blue | Panel of at most 30 W |
| 5 to 8 | RAD | White, green, yellow, grey | Cable at most 12 m |
| 9 and 10 | PRB | Orange, violet | Current loop 4 to 20 mA |
| 11 and 12 | 485 | Pink, grey | Line at most 800 m |
## 6.2 Earth
Connect the earth stud to the steel of the pier or to an earth rod with at least 6 mm² of copper. The resistance to earth must be below 10 ohms. An ungrounded gauge survives most storms, but not the one overhead.
## 6.3 Battery life without sun
At the factory setting of one record every 6 minutes, a fully charged battery runs a PT4-R for 19 days without any sun. The calculation uses 80 % of the capacity of 24 Ah and a mean current of 42 mA at 20 °C. A PT4-C needs about a quarter more current and lasts 15 days at the same setting.
F: autonomy | Days a PT4-R runs on a full battery without sun, by logging interval
Cold shortens the time: at -10 °C the battery gives only 70 % of its capacity. For a dark winter site choose an interval of 15 minutes, which stretches the reserve to 26 days.
T: Mean current and running time of a PT4-R | 54 54 54
| Logging interval | Mean current | Days without sun |
| 1 minute | 61 mA | 13 |
| 6 minutes (factory) | 42 mA | 19 |
| 10 minutes | 36 mA | 22 |
| 15 minutes | 31 mA | 26 |
| 30 minutes | 27 mA | 30 |
| 60 minutes | 24 mA | 33 |
## 6.4 Voltage thresholds
The gauge warns with error E02 when the battery falls below 11.8 V, and it switches itself off at 11.2 V. It starts again by itself when the battery has recovered to 12.6 V. Records already stored are kept without any power.
## 6.5 Solar panel
The 20 W panel SP-20 faces the midday sun and is tilted by 60 degrees, so that it works best in winter and snow slides off. Wash it twice a year; salt and gull droppings can cost a third of its yield.
# 7 First start
## 7.1 Step by step
1. Insert the 5 A fuse. After 40 seconds the display shows the serial number and the firmware version.
2. Enter the PIN. The keypad is locked with the PIN 0400 at delivery; choose a new one in the menu SECURITY before you leave the site.
3. Set the clock to UTC in the menu CLOCK. The gauge knows no summer time.
4. Enter the height of the head above datum in millimetres in the menu LEVEL.
5. Choose the logging interval in the menu RECORD. The factory setting is 6 minutes.
6. Press TEST for a burst, read the staff at the same moment, and compare. The difference must be 20 mm or less.
7. Wait for the first regular record, close the lid and tighten its screws to 2.2 Nm.
If the difference in step 6 is larger, look for a wrong head height first: in nine cases out of ten it was levelled from the wrong bolt.
## 7.2 Menus
T: The menus of the keypad | 30 84 48
| Menu | What it sets | Factory setting |
| LEVEL | Height of the head, datum offset | 0 mm |
| RECORD | Logging interval, 1 to 60 minutes | 6 minutes |
| CLOCK | Date and time in UTC, source of time | Manual |
| RADIO | Channel, station number, repeat count | Channel 3 |
| ALARM | High water, low water, rate of rise | Off |
| SECURITY | PIN, lock time of the keypad | PIN 0400 |
| SERVICE | Test burst, error list, calibration date | None |
## 7.3 Lost PIN and factory reset
The support desk issues an unlock code for a lost PIN; it needs the serial number and a photograph of the open housing. The unlock code is valid for 24 hours.
To reset the gauge to its factory settings, hold MENU and DOWN together for 8 seconds while the display is lit. The reset erases all settings, the head height included, but not the stored records.
# 8 Records and memory
## 8.1 How much fits
The memory of 16 MB holds 699,000 records, which is enough for 8.0 years at the factory setting. When it is full, the oldest records are overwritten day by day. Error E06 warns when 95 % of the memory is used by records that have never been read out.
T: Time until the memory is full | 54 54 54
| Logging interval | Records per day | Memory lasts |
| 1 minute | 1,440 | 485 days |
| 6 minutes (factory) | 240 | 8.0 years |
| 10 minutes | 144 | 13.3 years |
| 15 minutes | 96 | 19.9 years |
## 8.2 Reading out
Put a USB-C stick formatted as exFAT into the socket behind the rubber flap and press COPY. Sticks up to 64 GB are accepted. One year of records at the factory setting is copied in about 3 minutes, and the green lamp goes out when the stick may be removed.
The file name consists of the serial number and the date of the read-out, for example PT4-0731_2026-02-14.csv. Reading out never deletes anything.
## 8.3 The record
T: Fields of a record, in the order of the file | 30 28 104
| Field | Unit | Content |
| time | UTC | End of the burst, as 2026-02-14T10:06:00Z |
| level | mm | Water level above datum |
| distance | mm | Distance from the head to the water |
| probe | mm | Water level above datum from the probe |
| spread | mm | Standard deviation of the 48 readings used |
| flag | none | Quality flag, Q0 to Q9 |
| battery | V | Battery voltage at the end of the burst |
| humidity | % | Relative humidity inside the head |
## 8.4 Clock
The clock of a PT4-B drifts by up to 2 seconds a month and must be set by hand. A PT4-R takes the time from its receiver and a PT4-C from the mobile network, both every night at 00:10 UTC. A clock error of one minute can look like a level error of 20 mm at half tide, so check the clock before you doubt the radar.
# 9 Radio and data connections
## 9.1 Radio of the PT4-R
The gauge sends each record as soon as it is stored. If the receiver does not answer, it tries three more times at intervals of 20 seconds. Records that could not be sent are kept and sent later, up to 30 days back, as soon as the receiver answers again.
One Guillemot receiver GW-2 serves up to 16 gauges. Every gauge on the same channel needs its own station number between 1 and 99. If no receiver has answered for 6 hours, the gauge shows error E07.
## 9.2 Modem of the PT4-C
The modem sends a file of new records once an hour. Between two transmissions it is switched off. The SIM card is not supplied, and a plan of 50 MB a month is ample at the factory setting.
## 9.3 RS-485 and Modbus
The serial line speaks Modbus RTU at 9600 baud with 8 data bits, no parity and 1 stop bit; the factory address is 17. Values may be read as often as once a second, but they change only after each burst.
T: Modbus input registers | 28 66 34 34
| Register | Content | Unit | Type |
| 30001 | Water level above datum | mm | int32 |
| 30003 | Distance from head to water | mm | int32 |
| 30005 | Level from the probe | mm | int32 |
| 30007 | Quality flag | none | uint16 |
| 30008 | Battery voltage | 0.01 V | uint16 |
| 30009 | Humidity in the head | 0.1 % | uint16 |
| 30010 | Air temperature | 0.1 °C | int16 |
## 9.4 Alarms
Alarms are switched off at delivery. A high-water alarm is raised when three bursts in a row lie above the limit, and is cleared when ten bursts in a row lie 50 mm below it. The rate-of-rise alarm compares the newest level with the one 30 minutes before. Only records flagged Q0, Q1 or Q3 can raise an alarm.
# 10 Checks and calibration
## 10.1 Staff check, every three months
1. Choose a calm hour near high or low water, when the level stands almost still.
2. Read the staff ten times at intervals of one minute, to the nearest 5 mm.
3. Press TEST during the same ten minutes and note the level the gauge shows.
4. Compare the two means. If they differ by more than 10 mm, repeat the check on another day before you change anything.
## 10.2 Full-tide comparison, once a year
The full-tide comparison shows errors that grow with the distance. Over one whole tide of 12.5 hours, staff and gauge are read every 30 minutes, which gives 26 pairs of readings. The mean difference must be smaller than 5 mm; otherwise the datum offset is corrected in the menu LEVEL.
F: comparison | A full-tide comparison with 26 pairs of readings (dark blue: upper half of the tide; teal: lower half)
A cloud that leans to one side means that the scale is wrong, for instance because the head is not plumb. A cloud that opens into a loop means that the clock of the gauge is wrong.
## 10.3 Calibration at the works
Every 24 months the gauge is calibrated in Port Ellary at 20 °C on a rail of 15 m at twelve distances. Send only the head, the probe and the housing; the battery stays at home, because carriers treat it as dangerous goods. Calibration takes 15 working days from the day of arrival.
Book the date at least four weeks ahead with the calibration laboratory. A loan instrument can be hired for the time of the calibration. When the date on the certificate has passed, the gauge goes on measuring, but shows E12.
T: Checks at a glance | 52 38 72
| Check | Interval | Limit |
| Staff check | 3 months | 10 mm between the two means |
| Full-tide comparison | 12 months | 5 mm mean difference of 26 pairs |
| Levelling to the benchmark | 24 months | 3 mm since the last levelling |
| Calibration at the works | 24 months | 3 mm at any distance up to 10 m |
# 11 Maintenance
A Petrel 4 asks for about two hours of work every three months. Keep a log book in the housing; the pocket in the lid is made for it.
T: Maintenance schedule | 30 86 46
| Interval | Work | Needs |
| 3 months | Wipe the lens of the head, staff check | Soft cloth, fresh water |
| 6 months | Replace the desiccant, wash the panel | Desiccant set DS-50 |
| 12 months | Clean the probe, full-tide comparison | Soft brush, vinegar |
| 12 months | Check torques and the earth connection | Torque wrench, ohmmeter |
| 24 months | Calibration at the works, levelling | Four weeks of notice |
| 6 years | Replace the battery | Battery BT-24 |
## 11.1 Desiccant
Replace both desiccant sachets every six months, or sooner if the indicator beads have turned from orange to green. Open the foil only at the site, and have the lid off for less than five minutes. Used sachets can be dried in an oven at 120 °C for three hours, but no more than twice.
## 11.2 Lens of the head
Wipe the white lens with a soft cloth and fresh water. Spiders like the warm lens, and a web with dew on it weakens the echo more than heavy rain does. Do not use solvents or a pressure washer, and never paint the lens.
## 11.3 Probe
Lift the probe, lay it in household vinegar for 20 minutes and brush off the growth. Do not touch the membrane behind the grille: a dent of a tenth of a millimetre shifts the reading by 30 mm. Rinse the tube from above with a bucket of water before the probe goes back.
## 11.4 Winter
Before the first frost, check the drip loop, the glands and the tilt of the panel. In harbours that freeze over, lift the probe and set the menu SERVICE to ICE; the gauge then measures the ice and marks every record with Q9. Knock icicles off the arm with a wooden stick, never with metal.
## 11.5 Storage
A gauge that is out of use for more than a month is stored dry, between 5 °C and 25 °C, with the fuse out. Charge the battery to about half every six months. After storage, set the clock before anything else.
# 12 Finding faults
Start with the lamp, then read the error list in the menu SERVICE. Write the codes down before you switch anything off, since the list is cleared when the fuse is pulled.
## 12.1 The lamp
T: Signals of the lamp | 54 108
| Lamp | Meaning |
| Green flash every 10 s | Normal operation |
| Two green flashes | A record has been sent |
| Amber flash every 5 s | A warning is in the error list |
| Red flash every 2 s | Fault, no measurement possible |
| Red, steady | Start failed; fuse out, wait 10 s, fuse in |
| Dark | No power; check the fuse and the battery |
## 12.2 Error codes
T: Error codes | 16 56 90
| Code | Meaning | What to do |
| E01 | Clock not set | Set the clock to UTC |
| E02 | Battery below 11.8 V | Clean the panel, check the charge current |
| E03 | No radar echo | Clean the lens, check terminals 6 and 7 |
| E04 | Radar and probe differ | Clean the probe, then do a staff check |
| E05 | Probe cable open | Check terminals 9 and 10 |
| E06 | Memory 95 % unread | Read out with a USB-C stick |
| E07 | No receiver for 6 hours | Check the antenna and the receiver |
| E08 | Head tilted over 2 degrees | Plumb the head, do a staff check |
| E09 | Humidity in the head over 60 % | Do not open the head; send it to the works |
| E10 | Housing above 75 °C | Shade the housing |
| E11 | Settings damaged | Reset, enter all settings again |
| E12 | Calibration date passed | Book a calibration |
Error E09 has existed since firmware 4.7.0. It means that water vapour has entered the head, usually through a gland that was not tight. Readings become too high before they become impossible, so treat every record since the first E09 as suspect.
## 12.3 Before you call
Have four things ready for the support desk: the serial number, the firmware version, the error list and the last read-out file. With these, four calls out of five end without a visit to the site.
# 13 Technical data
T: Measurement | 76 86
| Property | Value |
| Range of the radar | 0.4 m to 15 m |
| Resolution | 1 mm |
| Accuracy of the radar up to 10 m | ±3 mm |
| Accuracy of the radar from 10 m to 15 m | ±5 mm |
| Accuracy of the probe | ±20 mm |
| Readings per burst | 60, one per second |
| Logging interval | 1 to 60 minutes |
T: Housing, power and environment | 76 86
| Property | Value |
| Size of the housing | 290 x 230 x 115 mm |
| Protection of housing and head | IP67 |
| Protection of the probe | IP68, 20 m for 30 days |
| Operating temperature | -25 °C to +60 °C |
| Battery | LiFePO4, 12.8 V, 24 Ah |
| Current while idle | 4 mA |
| Current while the radio transmits | 210 mA |
| Interfaces | RS-485 Modbus RTU, USB-C |
## 13.1 Temperature
Without correction the distance would drift by 0.1 mm for every degree away from 20 °C. The built-in correction keeps the drift within ±1 mm from -25 °C to +60 °C.
F: drift | Drift of the measured distance with air temperature
# 14 Spare parts, service and disposal
## 14.1 Spare parts
Order spare parts by their code; prices are in the current price list. Parts for the Petrel 4 are kept in stock for at least ten years after the last gauge has been built.
T: Spare parts | 24 88 50
| Code | Part | Usual life |
| BT-24 | Battery pack 12.8 V, 24 Ah | 6 years |
| PP-20 | Pressure probe with 20 m cable | 8 years |
| DS-50 | Desiccant set, two sachets of 50 g | 6 months |
| SP-20 | Solar panel 20 W | 15 years |
| AR-12 | Mounting arm 1.2 m | No limit |
| AR-20 | Mounting arm 2.0 m | No limit |
## 14.2 Whom to ask
The support desk answers from Monday to Thursday between 8:00 and 17:00, and on Friday until 13:00. Outside these hours the emergency number is only for stations that control the movement of ships.
T: Contacts | 46 40 76
| Desk | Telephone | E-mail |
| Support desk | 01632 960 140 | support@hallowick.example |
| Calibration laboratory | 01632 960 152 | calibration@hallowick.example |
| Sales and spare parts | 01632 960 120 | sales@hallowick.example |
| Emergency, out of hours | 01632 960 177 | None |
## 14.3 Disposal
Hallowick takes back every gauge it has ever made, free of charge, and reuses what can be reused. Tape over the terminals of an old battery and hand it to a collection point for lithium batteries; never post it.
## 14.4 Changes in this revision
T: Revisions of HM-410 | 24 40 98
| Revision | Date | Main changes |
| 1 | 2 October 2023 | First edition, firmware 4.5 |
| 2 | 20 January 2025 | PT4-C added; new terminal block |
| 3 | 16 March 2026 | Error E09; chapter 3.2 on flags; gland torque stressed |
"""

WARRANTY = """
# Warranty and Service Terms
Document HW-12. These terms apply to every Petrel 4 delivered on or after 1 January 2026. They come on top of the buyer's rights under the law and do not limit them. The warranty is given by the Hallowick Instrument Cooperative, 9 Quay Street, Port Ellary.
## 1 What is covered and for how long
The cooperative repairs or replaces, at its choice and free of charge, any part that fails because of a fault in material or workmanship. The warranty on the gauge runs for 36 months from the date of delivery. It is extended to 60 months if the owner registers the serial number within 60 days of delivery.
T: Warranty periods | 66 40 56
| Part | Period | When registered |
| Housing, head and electronics | 36 months | 60 months |
| Pressure probe | 24 months | 36 months |
| Battery BT-24 | 18 months | 18 months |
| Mounting arm | 120 months | 120 months |
| Spare parts and repairs | 12 months | 12 months |
The 60 months are kept only if the gauge is calibrated at the works at least every 24 months. A repair or a replacement does not start a new period, but the repaired part is covered for at least 12 months.
## 2 What is not covered
- Damage by lightning, fire, ice pressure or the impact of a vessel.
- A head that has been opened by anyone but the works; the seal under the nameplate then shows the word VOID.
- Batteries charged with a charger that is not made for lithium iron phosphate.
- Water damage in a housing whose desiccant has not been replaced for more than 12 months.
- Parts that wear in normal use: desiccant, fuses, gland seals and cable ties.
# Claims and service
## 3 How to make a claim
1. Report the fault to the support desk within 14 days of noticing it, with the serial number and the error list.
2. Wait for the return number. Parcels without a return number are not opened and go back at the sender's cost.
3. Send the part within 30 days of receiving the return number. The owner pays the carriage to Port Ellary; the cooperative pays the way back.
4. The cooperative decides on the claim within 10 working days of the arrival of the part, and gives its reasons in writing.
T: Time limits of a claim | 92 70
| Step | Limit |
| Report the fault | 14 days after noticing it |
| Send the part | 30 days after the return number |
| Decision on the claim | 10 working days after arrival |
| Objection to the decision | 21 days after the decision |
## 4 Loan instrument
If a repair under warranty takes longer than 15 working days, the cooperative lends the owner a gauge free of charge until the repair is done. The loan instrument is insured by the cooperative while it is travelling and by the owner while it is in use.
## 5 Change of owner
The warranty passes to a new owner if the sale is reported within 90 days. Gauges sold by auction are excluded unless the cooperative has inspected them.
## 6 Limits and disputes
The cooperative's total liability under these terms is limited to the price paid for the gauge. It does not pay for lost berthing fees, delayed sailings or other indirect loss. Disputes go first to the members' arbiter, who must answer within six weeks; the procedure costs the owner nothing.
"""


def make_manual(headings: Sequence[tuple[int, str, int]] = (), pages: int = 0) -> Booklet:
    pdf = Booklet(
        "Petrel 4 Tide Gauge: Installation and Operation Manual",
        "HM-410, revision 3",
        pages,
        cover_pages=1,
    )
    pdf.cover(MANUAL_COVER)
    pdf.contents(headings)
    pdf.render(MANUAL)
    return pdf


def make_warranty(pages: int = 0) -> Booklet:
    pdf = Booklet("Petrel 4 Tide Gauge: Warranty and Service Terms", "HW-12", pages)
    pdf.render(WARRANTY)
    return pdf


def main() -> None:
    draft = make_manual()  # a first pass finds the pages of the headings
    make_manual(draft.headings, draft.page).output(str(DATA / "petrel-4-manual.pdf"))
    make_warranty(make_warranty().page).output(str(DATA / "petrel-4-warranty.pdf"))


if __name__ == "__main__":
    main()
