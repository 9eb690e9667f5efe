"""The root page, GraphiQL, and what they are made of: all from our own wheel, nothing from another host."""

from __future__ import annotations

from html import escape
from pathlib import Path

import f1graph
from f1graph.api.service import UNOFFICIAL

_WEB = Path(f1graph.__file__).parent / "web" / "dist"
# Monaco, GraphiQL's editor, sets styles by script; everything else comes from files of our own host.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def web_folder() -> Path | None:
    """Where the built pages are; None where they were not built."""
    return _WEB if (_WEB / "index.html").is_file() and (_WEB / "graphiql.html").is_file() else None


def page(folder: Path, name: str, *, notice: str = "") -> str:
    """A built page, with a notice at its top where there is something to say."""
    text = (folder / name).read_text(encoding="utf-8")
    box = f'<p class="notice" role="note">{escape(notice)}</p>' if notice else ""
    return text.replace("<!-- notice -->", box)


def plain_root_page(*, notice: str = "") -> str:
    """What stands at `/` in a checkout whose pages were not built."""
    box = f"<p><strong>{escape(notice)}</strong></p>" if notice else ""
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>f1graph</title></head>
<body>
{box}
<h1>f1graph</h1>
<p>Formula 1 facts, forecasts and scores in one GraphQL graph. Send queries to <code>POST /graphql</code>.
GraphiQL is not built here: run <code>make web</code>.</p>
<p>{escape(UNOFFICIAL)}</p>
<p>Data: F1DB (CC BY 4.0). Jolpica data is non-commercial (CC BY-NC-SA 4.0).</p>
</body>
</html>
"""
