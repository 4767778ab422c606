"""A figure as SVG text that fits the page: ids of its own, colours as CSS variables, a title for screen readers.

Colours are written as CSS variables with a fallback, so that a figure follows the page's light or dark colours and
still reads when it is opened alone. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, SOFT, GRID, KEPT, OTHER, BAND = "#1f2021", "#5b5c5d", "#d2d3d4", "#0072b2", "#d55e00", "#e8eef3"
_VARIABLES = {INK: "ink", SOFT: "soft", GRID: "grid", KEPT: "kept", OTHER: "other", BAND: "band"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "text.parse_math": False, "font.family": ["DejaVu Sans"], "font.size": 9.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": SOFT, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.6, "legend.frameon": False,
    "legend.fontsize": 9, "axes.labelsize": 9.5,
}  # fmt: skip
_NAMESPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}
WIDTH = 7.2


def label(name: str, limit: int = 30) -> str:
    """A name as one line that XML can carry: control characters become �, long names are cut."""
    line = " ".join("".join(char if char.isprintable() or char.isspace() else "�" for char in name).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def svg(name: str, description: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    """A figure of one pair of axes as SVG text; size in inches, description for people who do not see it."""
    buffer = io.BytesIO()
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}), warnings.catch_warnings():
        # glyphs are drawn by the reader's own fonts, so that one missing here is no fault
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(buffer.getvalue(), name, description)


def _themed(raw: bytes, name: str, description: str) -> str:
    """The SVG with ids of its own, colours as variables, a title for screen readers, and no fixed size."""
    name = f"figure-{name}"  # ids share the page with its sections
    for prefix, address in _NAMESPACES.items():
        ET.register_namespace(prefix, address)
    root = ET.fromstring(raw)
    space = "{" + _NAMESPACES[""] + "}"
    for old in [child for child in root if child.tag in (f"{space}metadata", f"{space}title")]:
        root.remove(old)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            element.attrib[key] = _attribute(key, value, name)
    title = ET.Element(f"{space}title", {"id": f"{name}-title"})
    title.text = label(description, 400)
    root.insert(0, title)
    root.attrib.pop("height", None)
    root.attrib.update({"width": "100%", "role": "img", "aria-labelledby": f"{name}-title"})
    return ET.tostring(root, encoding="unicode")


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key.endswith("href") and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    value = value.replace("url(#", f"url(#{name}-")
    if key == "style":
        for colour, variable in _VARIABLES.items():
            value = value.replace(colour, f"var(--{variable}, {colour})")
    return value
