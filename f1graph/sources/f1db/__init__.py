"""F1DB (github.com/f1db/f1db, CC BY 4.0): the championship since 1950, as a zip of CSV files."""

from f1graph.sources.f1db.download import DownloadedRelease, download_newest
from f1graph.sources.f1db.release import read_release

__all__ = ["DownloadedRelease", "download_newest", "read_release"]
