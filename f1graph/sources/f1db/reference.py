"""Who and where: circuits, drivers, constructors and the names that everything else refers to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import tzfpy

from f1graph.races.calendar import Circuit
from f1graph.races.entries import Constructor, Driver
from f1graph.sources.f1db.archive import Release, Row

CIRCUITS = "f1db-circuits.csv"
COUNTRIES = "f1db-countries.csv"
DRIVERS = "f1db-drivers.csv"
CONSTRUCTORS = "f1db-constructors.csv"
CHRONOLOGY = "f1db-constructors-chronology.csv"
ENGINES = "f1db-engine-manufacturers.csv"
GRANDS_PRIX = "f1db-grands-prix.csv"
REFERENCE_FILES = (CIRCUITS, COUNTRIES, DRIVERS, CONSTRUCTORS, CHRONOLOGY, ENGINES, GRANDS_PRIX)


@dataclass(frozen=True, slots=True)
class _Country:
    name: str
    code: str
    demonym: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything that has an id of its own and does not belong to one season.

    Attributes:
        engines: Ids of the engine manufacturers.
        grands_prix: Full name by id.
    """

    circuits: Mapping[str, Circuit]
    drivers: Mapping[str, Driver]
    constructors: Mapping[str, Constructor]
    engines: frozenset[str]
    grands_prix: Mapping[str, str]


def read_reference(release: Release) -> Reference:
    countries = {
        id_: _Country(row.text("name"), row.text("alpha3Code"), row.cell("demonym") or row.text("name"))
        for id_, row in _by_id(release, COUNTRIES, ("id", "name", "alpha3Code", "demonym"))
    }
    return Reference(
        circuits=_circuits(release, countries),
        drivers=_drivers(release, countries),
        constructors=_constructors(release, countries),
        engines=frozenset(id_ for id_, _ in _by_id(release, ENGINES, ("id",))),
        grands_prix={
            id_: row.text("fullName") for id_, row in _by_id(release, GRANDS_PRIX, ("id", "fullName"))
        },
    )


def _circuits(release: Release, countries: Mapping[str, _Country]) -> dict[str, Circuit]:
    columns = (
        "id", "name", "fullName", "type", "placeName", "countryId", "latitude", "longitude", "length",
        "turns",
    )  # fmt: skip
    circuits = {}
    for id_, row in _by_id(release, CIRCUITS, columns):
        country = countries[known(row, "countryId", countries, "country")]
        latitude, longitude = row.decimal("latitude"), row.decimal("longitude")
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise row.error(f"latitude {latitude}, longitude {longitude} is no place on Earth")
        circuits[id_] = Circuit(
            id=id_,
            name=row.text("name"),
            full_name=row.text("fullName"),
            place=row.text("placeName"),
            country=country.name,
            country_code=country.code,
            latitude=latitude,
            longitude=longitude,
            time_zone=tzfpy.get_tz(longitude, latitude),
            kind=row.text("type"),
            length_km=row.decimal("length"),
            turns=row.count("turns"),
        )
    return circuits


def _drivers(release: Release, countries: Mapping[str, _Country]) -> dict[str, Driver]:
    columns = (
        "id", "name", "firstName", "lastName", "abbreviation", "permanentNumber", "dateOfBirth",
        "nationalityCountryId",
    )  # fmt: skip
    return {
        id_: Driver(
            id=id_,
            name=row.text("name"),
            first_name=row.text("firstName"),
            last_name=row.text("lastName"),
            code=row.text("abbreviation"),
            nationality=countries[known(row, "nationalityCountryId", countries, "country")].demonym,
            permanent_number=row.optional_text("permanentNumber"),
            date_of_birth=row.optional_date("dateOfBirth"),
        )
        for id_, row in _by_id(release, DRIVERS, columns)
    }


def _constructors(release: Release, countries: Mapping[str, _Country]) -> dict[str, Constructor]:
    rows = list(_by_id(release, CONSTRUCTORS, ("id", "name", "fullName", "countryId")))
    ids = {id_ for id_, _ in rows}
    first_names: dict[str, tuple[int, str]] = {}
    for row in release.rows(CHRONOLOGY, ("parentConstructorId", "positionDisplayOrder", "constructorId")):
        constructor = known(row, "parentConstructorId", ids, "constructor")
        name = (row.count("positionDisplayOrder"), known(row, "constructorId", ids, "constructor"))
        first_names[constructor] = min(name, first_names.get(constructor, name))
    return {
        id_: Constructor(
            id=id_,
            name=row.text("name"),
            full_name=row.text("fullName"),
            country=countries[known(row, "countryId", countries, "country")].name,
            lineage_id=first_names.get(id_, (0, id_))[1],
        )
        for id_, row in rows
    }


def known(row: Row, column: str, ids: Mapping[str, object] | set[str] | frozenset[str], what: str) -> str:
    """The id in `column`, which must be one of `ids`.

    Raises:
        BadSourceDataError: It is empty or unknown. A second driver made of a typing error would be worse.
    """
    value = row.text(column)
    if value not in ids:
        raise row.error(f"{column} is {value!r}, but the release has no such {what}")
    # One copy of an id instead of one per row: 180,000 rows name the same thousand.
    return sys.intern(value)


def _by_id(release: Release, file: str, columns: tuple[str, ...]) -> list[tuple[str, Row]]:
    rows: dict[str, Row] = {}
    for row in release.rows(file, columns):
        id_ = sys.intern(row.text("id"))
        if id_ in rows:
            raise row.error(f"id {id_!r} is already in row {rows[id_].number}")
        rows[id_] = row
    return list(rows.items())
