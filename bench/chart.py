r"""A bar chart as hand-made SVG: rows per second as multiples of `psql \copy`; readable on light and on dark ground."""

from collections.abc import Sequence
from html import escape
from typing import Final

from bench.results import Bar

_WIDTH: Final = 760
_LABELS: Final = 300
_VALUES: Final = 60
_BAR: Final = 20
_PITCH: Final = 30
_TOP: Final = 44
_SMALLEST: Final = 1.5

_STYLE: Final = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.other { fill: #8c959f }
.product { fill: #1a7f37 }
.reference { stroke: #57606a; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .other { fill: #6e7681 }
  .product { fill: #3fb950 }
  .reference { stroke: #8b949e }
}"""


def draw(bars: Sequence[Bar]) -> str:
    """The chart, the fastest first; a dashed line marks 1."""
    ordered = sorted(bars, key=lambda bar: -bar.value)
    unit = (_WIDTH - _LABELS - _VALUES) / ordered[0].value
    height = _TOP + _PITCH * len(ordered) + 10
    one = _LABELS + unit
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        f"<style>{_STYLE}</style>",
        '<text class="title" x="0" y="18">Rows per second, psql \\copy into the indexed table = 1</text>',
        *(line for number, bar in enumerate(ordered) for line in _bar(bar, _TOP + number * _PITCH, unit)),
        f'<line class="reference" x1="{one:.1f}" x2="{one:.1f}" y1="{_TOP - 8}" y2="{height - 8}"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(bar: Bar, top: int, unit: float) -> list[str]:
    width = max(bar.value * unit, _SMALLEST)
    kind = "product" if bar.is_product else "other"
    middle = top + _BAR - 5
    return [
        f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="2"/>',
        f'<text x="{_LABELS + width + 6:.1f}" y="{middle}">{_shown(bar.value)}</text>',
    ]


def _shown(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
