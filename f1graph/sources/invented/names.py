# ruff: noqa: E501 - the tables are read by column.
"""Names of people, teams and circuits that do not exist. The towns do, so that the time zones are real."""

from __future__ import annotations

from typing import NamedTuple

# Nobody's name on purpose: the surnames are made up, so that no draw of two names meets a racing driver.
FIRST_NAMES = (
    "Ada", "Aino", "Alvar", "Anouk", "Bastien", "Bela", "Brisa", "Caspian", "Celeste", "Cosmo", "Dacia",
    "Darian", "Eamon", "Edda", "Elio", "Emeka", "Faye", "Fenn", "Fiora", "Gaspard", "Gita", "Hanne", "Hiro",
    "Ilse", "Imre", "Indra", "Ione", "Jarek", "Joss", "Juno", "Kaito", "Keziah", "Kwame", "Lark", "Leonie",
    "Linus", "Lior", "Mabel", "Marek", "Mila", "Nadia", "Nevin", "Noor", "Odile", "Orson", "Paz", "Petra",
    "Quill", "Rafe", "Rhea", "Ronan", "Saskia", "Silvan", "Tamsin", "Thiago", "Ulla", "Viggo", "Wren",
    "Yara", "Zeno",
)  # fmt: skip
LAST_NAMES = (
    "Abendale", "Aldermoss", "Ashvane", "Avelgard", "Barlowick", "Bellacourt", "Birchsong", "Bramblewood",
    "Brontveld", "Calderay", "Carrowmere", "Cinderhall", "Coralune", "Crestavo", "Dapplegrave", "Dellamore",
    "Dovrefell", "Driftwater", "Duskerton", "Eastermoor", "Elkheart", "Emberlin", "Everquill", "Fairbeck",
    "Farrowgate", "Fennimoor", "Fjordane", "Foxenby", "Galewright", "Garrandeau", "Glimmerich", "Goldenfirth",
    "Greywater", "Gullhaven", "Hartenvale", "Hazelgrove", "Heathermoor", "Hollowell", "Hyrstone", "Inkerwell",
    "Ironbrook", "Ivorsund", "Jasperling", "Junivale", "Kaldersen", "Keldmoor", "Kestrelli", "Kirowen",
    "Lanterne", "Larkhollow", "Lindenquist", "Lumenaud", "Maplethorn", "Marrowdeen", "Mistralle", "Moonfield",
    "Nacreon", "Nettlefold", "Nightingalo", "Northwater", "Oakenshaw", "Oldacre", "Orrinvale", "Ostermark",
    "Palefrost", "Pebbleton", "Pinemarsh", "Quarrington", "Quickbeam", "Ravelstone", "Redfernay", "Rimmersby",
    "Rowandale", "Saltmarsh", "Sedgewater", "Silverbeck", "Skylarque", "Snowden-Vale", "Starkwell", "Stormark",
    "Summerisle", "Tarnquist", "Thistlewaite", "Thornavelle", "Tidewell", "Umberto-Lys", "Underhollow",
    "Valdemoor", "Vesperine", "Violanthe", "Wavecrest", "Westerholt", "Whitlocke", "Willowmere", "Winterbane",
    "Wyrmstead", "Yarrowby", "Yewlander", "Zephyrelle", "Zinnowitz-Ray",
)  # fmt: skip
NATIONALITIES = (
    "Argentine", "Australian", "Belgian", "Brazilian", "British", "Canadian", "Chilean", "Danish", "Dutch",
    "Estonian", "Finnish", "French", "German", "Greek", "Indian", "Irish", "Italian", "Japanese", "Kenyan",
    "Mexican", "New Zealander", "Norwegian", "Portuguese", "South Korean", "Spanish", "Swedish",
)  # fmt: skip


class TeamName(NamedTuple):
    """A team. `renamed` is what it is called after it was sold, if it ever is."""

    id: str
    name: str
    country: str
    renamed: tuple[str, str] | None = None


TEAM_NAMES = (
    TeamName("invented-quillhaven", "Quillhaven", "Ireland"),
    TeamName("invented-brontide", "Brontide", "Norway"),
    TeamName("invented-silverwick", "Silverwick", "United Kingdom"),
    TeamName("invented-vantelle", "Vantelle", "France"),
    TeamName("invented-oxbow-and-vale", "Oxbow & Vale", "Canada"),
    TeamName("invented-nordkling", "Nordkling", "Sweden"),
    TeamName("invented-tarnmoor", "Tarnmoor", "United Kingdom", ("invented-tarnmoor-azul", "Tarnmoor Azul")),
    TeamName("invented-halcyonne", "Halcyonne", "Belgium"),
    TeamName("invented-kestrelbrook", "Kestrelbrook", "Australia"),
    TeamName("invented-marrowby", "Marrowby", "Portugal", ("invented-glasswing", "Glasswing")),
    TeamName("invented-zephyra", "Zephyra", "Greece"),
    TeamName("invented-ashgrove", "Ashgrove", "New Zealand"),
)


class Place(NamedTuple):
    """Where an invented circuit stands, and the invented Grand Prix held there."""

    slug: str
    grand_prix: str
    circuit: str
    town: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    time_zone: str
    kind: str


# In the order in which a season visits them.
PLACES = (
    Place("derwent", "Derwent", "Derwent Bend", "Hobart", "Australia", "AUS", -42.88, 147.33, "Australia/Hobart", "ROAD"),
    Place("cook-strait", "Cook Strait", "Windward Circuit", "Wellington", "New Zealand", "NZL", -41.29, 174.78, "Pacific/Auckland", "STREET"),
    Place("iyo", "Iyo", "Orange Grove Ring", "Matsuyama", "Japan", "JPN", 33.84, 132.77, "Asia/Tokyo", "RACE"),
    Place("tamna", "Tamna", "Basalt Speedway", "Jeju", "South Korea", "KOR", 33.50, 126.53, "Asia/Seoul", "RACE"),
    Place("nutmeg-coast", "Nutmeg Coast", "Lantern Street Circuit", "George Town", "Malaysia", "MYS", 5.41, 100.33, "Asia/Kuala_Lumpur", "STREET"),
    Place("mandovi", "Mandovi", "Mandovi Riverside", "Panaji", "India", "IND", 15.50, 73.83, "Asia/Kolkata", "ROAD"),
    Place("coral-coast", "Coral Coast", "Coral Coast Ring", "Mombasa", "Kenya", "KEN", -4.04, 39.67, "Africa/Nairobi", "RACE"),
    Place("pamphylia", "Pamphylia", "Pine Cape Circuit", "Antalya", "Turkey", "TUR", 36.90, 30.70, "Europe/Istanbul", "RACE"),
    Place("minoan", "Minoan", "Labyrinth Ring", "Heraklion", "Greece", "GRC", 35.34, 25.13, "Europe/Athens", "ROAD"),
    Place("gozo", "Gozo", "Citadel Street Circuit", "Victoria", "Malta", "MLT", 36.04, 14.24, "Europe/Malta", "STREET"),
    Place("emona", "Emona", "Dragon Bridge Circuit", "Ljubljana", "Slovenia", "SVN", 46.06, 14.51, "Europe/Ljubljana", "ROAD"),
    Place("emajogi", "Emajõgi", "Birch Forest Ring", "Tartu", "Estonia", "EST", 58.38, 26.72, "Europe/Tallinn", "RACE"),
    Place("bornholm", "Bornholm", "Round Church Ring", "Rønne", "Denmark", "DNK", 55.10, 14.70, "Europe/Copenhagen", "ROAD"),
    Place("lofoten", "Lofoten", "Midnight Sun Ring", "Svolvær", "Norway", "NOR", 68.23, 14.57, "Europe/Oslo", "RACE"),
    Place("faxafloi", "Faxaflói", "Lava Field Circuit", "Reykjavík", "Iceland", "ISL", 64.15, -21.94, "Atlantic/Reykjavik", "RACE"),
    Place("corrib", "Corrib", "Drystone Park", "Galway", "Ireland", "IRL", 53.27, -9.05, "Europe/Dublin", "ROAD"),
    Place("madeira", "Madeira", "Levada Circuit", "Funchal", "Portugal", "PRT", 32.65, -16.91, "Atlantic/Madeira", "ROAD"),
    Place("azores", "Azores", "Caldera Ring", "Ponta Delgada", "Portugal", "PRT", 37.74, -25.67, "Atlantic/Azores", "RACE"),
    Place("souss", "Souss", "Argan Speedway", "Agadir", "Morocco", "MAR", 30.42, -9.60, "Africa/Casablanca", "RACE"),
    Place("acadia", "Acadia", "Lighthouse Park", "Halifax", "Canada", "CAN", 44.65, -63.57, "America/Halifax", "ROAD"),
    Place("tybee", "Tybee", "Live Oak Street Circuit", "Savannah", "United States of America", "USA", 32.08, -81.09, "America/New_York", "STREET"),
    Place("high-desert", "High Desert", "Juniper Mesa Raceway", "Santa Fe", "United States of America", "USA", 35.69, -105.94, "America/Denver", "RACE"),
    Place("oaxaca", "Oaxaca", "Agave Valley Ring", "Oaxaca de Juárez", "Mexico", "MEX", 17.07, -96.72, "America/Mexico_City", "RACE"),
    Place("vilcanota", "Vilcanota", "Terrace Circuit", "Cusco", "Peru", "PER", -13.53, -71.97, "America/Lima", "ROAD"),
    Place("calchaqui", "Calchaquí", "Cardón Raceway", "Salta", "Argentina", "ARG", -24.79, -65.41, "America/Argentina/Salta", "RACE"),
    Place("forty-hills", "Forty Hills", "Funicular Street Circuit", "Valparaíso", "Chile", "CHL", -33.05, -71.61, "America/Santiago", "STREET"),
)  # fmt: skip
