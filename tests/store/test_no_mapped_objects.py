"""No object of the store can load something later: there are none."""

from __future__ import annotations

from pathlib import Path

import f1graph


def test_d3_the_store_has_core_tables_and_no_mapped_class() -> None:
    """Lazy loads, expired attributes and MissingGreenlet need mapped objects; rows become records here."""
    package = Path(f1graph.__file__).parent
    sources = {path.relative_to(package): path.read_text() for path in package.rglob("*.py")}

    assert [path for path, text in sources.items() if "sqlalchemy.orm" in text] == []
    assert "Table(" in sources[Path("store/tables/facts.py")]
