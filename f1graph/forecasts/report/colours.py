"""The colours of the page and its charts, for light and for dark."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """One role. Charts are drawn in the light colour; in a page it becomes a variable."""

    name: str
    light: str
    dark: str


INK = Colour("ink", "#1b1f24", "#e8eaed")
MUTED = Colour("muted", "#5f6b7a", "#9aa7b5")
LINE = Colour("line", "#dde2e8", "#323a44")
PAPER = Colour("paper", "#ffffff", "#14181d")
PANEL = Colour("panel", "#f5f7f9", "#1c2229")
ACCENT = Colour("accent", "#c8102e", "#ff5c6e")
SOFT = Colour("soft", "#f3c9cf", "#5c2a32")
GOOD = Colour("good", "#14795a", "#4cc79b")
BAD = Colour("bad", "#b3400f", "#ff9a66")
# Of the models beside the reference, in their order.
OTHERS = (
    Colour("model-1", "#2463c9", "#7fb0ff"),
    Colour("model-2", "#9a6700", "#e3b341"),
    Colour("model-3", "#6e7781", "#aab4be"),
    Colour("model-4", "#0e7490", "#5ad1e6"),
    Colour("model-5", "#7c3aed", "#b99cff"),
    Colour("model-6", "#3f7d20", "#8fd16a"),
    Colour("model-7", "#b83280", "#f49ac8"),
    Colour("model-8", "#4a5568", "#c3cbd6"),
)
ALL = (INK, MUTED, LINE, PAPER, PANEL, ACCENT, SOFT, GOOD, BAD, *OTHERS)


def css(*, dark: bool) -> str:
    """The variables."""
    return " ".join(f"--{colour.name}: {colour.dark if dark else colour.light};" for colour in ALL)


def with_variables(svg: str) -> str:
    """A chart that was drawn in the light colours, in the colours of the page."""
    for colour in ALL:
        svg = svg.replace(colour.light, f"var(--{colour.name})")
    return svg
