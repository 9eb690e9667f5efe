"""One driver, three ids: F1DB's slug, Ergast's id, FastF1's code and number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from f1graph.races.entries import Constructor, Driver, Entry
from f1graph.races.results import ClassificationKind
from f1graph.sources.identity import (
    ForeignId,
    Known,
    NamedDriver,
    NamedTeam,
    Subject,
    UnknownIdentityError,
    constructor_id,
    driver_id,
)
from tests.real_data import f1db_facts


def a_driver(slug: str, first: str, last: str, code: str) -> Driver:
    return Driver(slug, f"{first} {last}", first, last, code, "Atlantean")


def a_team(slug: str, name: str) -> Constructor:
    return Constructor(slug, name, name, "Atlantis", slug)


HULKENBERG = a_driver("nico-hulkenberg", "Nico", "Hülkenberg", "HUL")
SAINZ = a_driver("carlos-sainz-jr", "Carlos", "Sainz Jr.", "SAI")
ANTONELLI = a_driver("kimi-antonelli", "Kimi", "Antonelli", "ANT")
MAX = a_driver("max-verstappen", "Max", "Verstappen", "VER")
JOS = a_driver("jos-verstappen", "Jos", "Verstappen", "VER")
LAWSON = a_driver("liam-lawson", "Liam", "Lawson", "LAW")
DRIVERS = (HULKENBERG, SAINZ, ANTONELLI, MAX, JOS, LAWSON)
TEAMS = (
    a_team("red-bull", "Red Bull"),
    a_team("racing-bulls", "Racing Bulls"),
    a_team("haas", "Haas"),
    a_team("sauber", "Sauber"),
    a_team("kick-sauber", "Kick Sauber"),
)


def known(*entries: Entry, **told: str) -> Known:
    mapping = {ForeignId(Subject.DRIVER, "fastf1", 2025, code): slug for code, slug in told.items()}
    return Known(DRIVERS, TEAMS, season_entries=entries, mapping=mapping)


def test_accents_case_and_the_order_of_names_do_not_matter() -> None:
    for first, last in (("Nico", "HULKENBERG"), ("Hulkenberg", "nico")):
        named = NamedDriver("HUL", "27", first, last)
        assert driver_id(named, season=2025, known=known()) == HULKENBERG.id


def test_a_junior_is_called_without_the_junior() -> None:
    assert driver_id(NamedDriver("SAI", "55", "Carlos", "Sainz"), season=2025, known=known()) == SAINZ.id


def test_a_guest_with_another_first_name_is_known_by_code_and_last_name() -> None:
    named = NamedDriver("ANT", "12", "Andrea Kimi", "Antonelli")
    assert driver_id(named, season=2024, known=known()) == ANTONELLI.id


def test_a_father_with_the_same_code_is_not_the_son() -> None:
    races = Entry("2025-monaco", MAX.id, "red-bull", None, "1")
    assert driver_id(NamedDriver("VER", "1"), season=2025, known=known(races)) == MAX.id
    with pytest.raises(UnknownIdentityError, match="jos-verstappen or max-verstappen"):
        driver_id(NamedDriver("VER", "1", "M.", "Verstappen"), season=2025, known=known())


def test_a_champion_who_changes_his_number_stays_himself() -> None:
    """S9: drivers change team, number and name inside a season."""
    races = (Entry("2021-monaco", MAX.id, "red-bull", None, "33"),)
    named = NamedDriver("VER", "1", "Max", "Verstappen")
    assert driver_id(named, season=2022, known=known(*races)) == MAX.id


def test_a_driver_who_changes_team_in_a_season_is_one_driver_in_two_teams() -> None:
    """S9: drivers change team, number and name inside a season."""
    races = (
        Entry("2025-australia", LAWSON.id, "red-bull", None, "30"),
        Entry("2025-japan", LAWSON.id, "racing-bulls", None, "30"),
    )
    who = known(*races)
    assert driver_id(NamedDriver("LAW", "30", "Liam", "Lawson"), season=2025, known=who) == LAWSON.id
    assert constructor_id(NamedTeam("Red Bull Racing"), season=2025, known=who) == "red-bull"
    assert constructor_id(NamedTeam("Racing Bulls"), season=2025, known=who) == "racing-bulls"


def test_an_unknown_driver_is_told_how_to_be_mapped() -> None:
    named = NamedDriver("ZZZ", "99", "Zoe", "Zed")
    with pytest.raises(UnknownIdentityError, match="f1graph identity driver fastf1 2025 ZZZ some-slug"):
        driver_id(named, season=2025, known=known())
    assert driver_id(named, season=2025, known=known(ZZZ=LAWSON.id)) == LAWSON.id


def test_a_mapping_holds_in_its_season_only() -> None:
    with pytest.raises(UnknownIdentityError):
        driver_id(NamedDriver("ZZZ", "99", "Zoe", "Zed"), season=2026, known=known(ZZZ=LAWSON.id))


def test_a_name_and_a_code_of_two_drivers_decide_nothing() -> None:
    races = (
        Entry("2025-australia", LAWSON.id, "red-bull", None, "30"),
        Entry("2025-australia", SAINZ.id, "haas", None, "55"),
    )
    with pytest.raises(UnknownIdentityError, match="name and code say"):
        driver_id(NamedDriver("LAW", "55", "Carlos", "Sainz"), season=2025, known=known(*races))


def test_a_name_and_an_ergast_id_of_two_drivers_decide_nothing() -> None:
    """S5, S9: a list of drivers of another season gives the car to who drove it then."""
    races = (
        Entry("2025-australia", LAWSON.id, "red-bull", None, "30"),
        Entry("2025-australia", SAINZ.id, "haas", None, "55"),
    )
    with pytest.raises(UnknownIdentityError, match="Ergast's sainz say carlos-sainz-jr or liam-lawson"):
        driver_id(NamedDriver("LAW", "30", "Liam", "Lawson", "sainz"), season=2025, known=known(*races))


def test_a_team_whose_name_another_had_in_full_is_known_by_its_words() -> None:
    """The Racing Bulls of 2025 were called RB the year before, with the same name in full."""
    before = Constructor("rb", "RB", "Racing Bulls", "Italy", "rb")
    both = replace(known(), constructors=(*TEAMS, before))
    assert constructor_id(NamedTeam("Racing Bulls"), season=2026, known=both) == "racing-bulls"


def test_a_name_and_an_ergast_id_of_two_teams_decide_nothing() -> None:
    """S5, S9: a list of drivers of another weekend gives the driver to the team of then."""
    named = NamedTeam("Red Bull Racing", "racing_bulls")
    with pytest.raises(UnknownIdentityError, match="it could be racing-bulls or red-bull"):
        constructor_id(named, season=2026, known=known())
    assert constructor_id(NamedTeam("Red Bull Racing", "red_bull"), season=2026, known=known()) == "red-bull"


def test_teams_are_known_by_their_sponsors_names() -> None:
    for name, slug in (("Haas F1 Team", "haas"), ("Kick Sauber", "kick-sauber"), ("Sauber", "sauber")):
        assert constructor_id(NamedTeam(name), season=2025, known=known()) == slug
    assert constructor_id(NamedTeam(None, "sauber"), season=2024, known=known()) == "kick-sauber"
    with pytest.raises(UnknownIdentityError, match='constructor fastf1 2025 "Atlantis GP" some-slug'):
        constructor_id(NamedTeam("Atlantis GP"), season=2025, known=known())


@pytest.mark.real_data
def test_everybody_who_raced_since_2018_is_known_by_name_and_by_code_and_number() -> None:
    facts = f1db_facts()
    drivers = {driver.id: driver for driver in facts.drivers}
    teams = {team.id: team for team in facts.constructors}
    living = tuple(d for d in facts.drivers if d.date_of_birth and d.date_of_birth.year > 1970)
    seasons: dict[int, set[Entry]] = {}
    for listed in facts.classifications:
        if listed.kind is ClassificationKind.RACE and listed.race_id >= "2018":
            seasons.setdefault(int(listed.race_id[:4]), set()).update(
                Entry("", entry.driver_id, entry.constructor_id, None, entry.car_number)
                for entry in listed.entries()
            )
    assert seasons.keys() >= set(range(2018, 2025))
    for season, entries in seasons.items():
        who = Known(living, facts.constructors, season_entries=tuple(entries))
        for entry in entries:
            driver = drivers[entry.driver_id]
            named = NamedDriver(driver.code, entry.car_number, driver.first_name, driver.last_name)
            assert driver_id(named, season=season, known=who) == driver.id
            by_code = NamedDriver(driver.code, entry.car_number)
            assert driver_id(by_code, season=season, known=who) == driver.id
            team = teams[entry.constructor_id]
            for name in (team.name, f"{team.name} Racing", f"{team.name} F1 Team"):
                assert constructor_id(NamedTeam(name), season=season, known=who) == team.id
