"""What the lines of every list have in common: whose they are, and times as they are published."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from f1graph.races.entries import Entry

# Lap times in the wet, to those in the dry.
WET_FACTOR = 1.08


class Car(TypedDict):
    """Who a line is about, as the row's fields."""

    driver_id: str
    constructor_id: str
    car_number: str | None


def car_of(entry: Entry) -> Car:
    return Car(driver_id=entry.driver_id, constructor_id=entry.constructor_id, car_number=entry.car_number)


def milliseconds(seconds: float) -> timedelta:
    return timedelta(milliseconds=round(seconds * 1000))
