"""What the README promises stands in the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic_core import to_jsonable_python

from f1graph.settings import Settings

README_FILE = Path(__file__).parents[2] / "README.md"
README = README_FILE.read_text(encoding="utf-8")


def shown_default(name: str) -> str:
    """As the README writes it; – for none or one that is told in words."""
    field = Settings.model_fields[name]
    if field.default_factory is not None:
        return "CPU quota"
    if field.default in (None, ""):
        return "–"
    value = to_jsonable_python(field.default)
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def test_every_setting_stands_in_the_readme_with_its_default() -> None:
    missing = [
        f"| `F1GRAPH_{name.upper()}` | {shown_default(name)} |"
        for name in Settings.model_fields
        if f"| `F1GRAPH_{name.upper()}` | {shown_default(name)} |" not in README
    ]
    assert missing == []


def test_the_readme_names_no_setting_that_is_not_there() -> None:
    named = set(re.findall(r"F1GRAPH_([A-Z0-9_]+)", README))
    assert named - {name.upper() for name in Settings.model_fields} == set()


def test_the_readme_says_whose_data_it_is_and_that_it_is_unofficial() -> None:
    """S16: whose data it is, and on what terms."""
    text = re.sub(r"\s+", " ", README)
    for source, licence in (("F1DB", "CC BY 4.0"), ("Jolpica", "CC BY-NC-SA 4.0, **non-commercial**")):
        assert re.search(rf"\*\*\[{source}\]\([^)]+\)\*\*,? [^.]*{re.escape(licence)}", text), source
    assert "f1graph is unofficial and not associated in any way with the Formula 1 companies" in text


def test_the_dashboards_footer_says_it_too() -> None:
    """S16: on the page as it is built, whether or not it was built here."""
    page = (README_FILE.parent / "f1graph" / "web" / "index.html").read_text(encoding="utf-8")
    footer = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page[page.index("<footer") :]))
    for words in ("F1DB", "CC BY 4.0", "Jolpica", "non-commercial (CC BY-NC-SA 4.0)", "Unofficial"):
        assert words in footer
