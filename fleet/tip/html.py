"""The page as one HTML file that needs nothing else: to look at, and to print on one A4."""

from __future__ import annotations

from html import escape
from typing import Final

from fleet.tip.page import Page

_STYLE: Final = """
@page { size: A4 portrait; margin: 12mm 15mm; }
body { font: 10.5pt/1.5 "Noto Sans CJK SC", "Source Han Sans SC", SimSun, sans-serif;
  max-width: 180mm; margin: 10mm auto; color: #000; }
h1 { font-size: 16pt; text-align: center; margin: 0 0 5mm; }
.said { border: 1.5pt solid #000; padding: 2mm 4mm; margin: 0 0 4mm; }
.said p { margin: 0; }
.said p:first-child { font-weight: bold; font-size: 12pt; }
table { border-collapse: collapse; width: 100%; }
th, td { border: .5pt solid #555; padding: 1mm 2mm; vertical-align: top; text-align: left; }
th { width: 28mm; background: #eef3f8; font-weight: normal; print-color-adjust: exact; }
td { white-space: pre-line; }
.remarks { font-size: 9pt; margin: 3mm 0; }
.sign { display: flex; justify-content: space-between; margin-top: 10mm; }
.sign span { flex: 1; }
@media print { body { font-size: 9pt; line-height: 1.3; margin: 0 auto; }
  .remarks { font-size: 8pt; } th, td { padding: .4mm 2mm; } .sign { margin-top: 6mm; } }
"""


def html(page: Page) -> str:
    """Return the page as HTML; what people wrote is escaped."""
    said = "".join(f"<p>{escape(line)}</p>" for line in page.conclusion)
    rows = "".join(
        f"<tr><th>{escape(item)}</th><td>{escape(text)}</td></tr>" for item, text in page.rows
    )
    remarks = "".join(f"<div>{escape(line)}</div>" for line in page.remarks)
    sign = "".join(f"<span>{escape(name)}</span>" for name in page.sign)
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(page.title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(page.title)}</h1><div class="said">{said}</div><table>{rows}</table>'
        f'<div class="remarks">{remarks}</div><div class="sign">{sign}</div></body></html>\n'
    )
