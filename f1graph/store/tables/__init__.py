"""Every table. Core tables, not mapped classes: a row becomes a record, never a half-loaded object.

Those in `APPEND_ONLY` have triggers, made by the migrations, that refuse to change or delete a row.
"""

from __future__ import annotations

from f1graph.store.tables.access import audit, refresh_requests
from f1graph.store.tables.facts import classification_rows, classifications
from f1graph.store.tables.forecasts import (
    forecast_draws,
    forecast_entries,
    forecast_explanations,
    forecast_members,
    forecasts,
    scores,
)
from f1graph.store.tables.metadata import metadata
from f1graph.store.tables.recordings import (
    laps,
    race_control_messages,
    recordings,
    track_status_changes,
    weather_forecast_hours,
    weather_forecasts,
    weather_samples,
)
from f1graph.store.tables.work import events

__all__ = ["APPEND_ONLY", "metadata"]

APPEND_ONLY = (
    classifications,
    classification_rows,
    recordings,
    laps,
    weather_samples,
    weather_forecasts,
    weather_forecast_hours,
    race_control_messages,
    track_status_changes,
    forecasts,
    forecast_entries,
    forecast_members,
    forecast_draws,
    forecast_explanations,
    scores,
    events,
    audit,
    refresh_requests,
)
