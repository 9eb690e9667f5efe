"""What each field costs: about how many values it adds to an answer.

A value costs 1, a field at the root 10: it asks the database for itself. A list costs as much as all
the items that it can have: `first` where the field has one, else the size that is declared here.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    TypeNameMetaFieldDef,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from f1graph.api.ids import MOST, MOST_ROWS

VALUE = 1
QUESTION = 10

# Fields that do more than their share.
WEIGHTS: dict[str, int] = {
    # Counted in ten thousand drawn orders, once or for three answers.
    "Forecast.chance": 50,
    "Forecast.headToHead": 100,
    # Worked out from a score of each race and model, resampled two thousand times.
    "Query.compareModels": 500,
    # Of a type within types there is one or two, and the usual query asks for nine.
    "__Type.ofType": 0,
}

# How long the lists are that have no `first`, because the sport or the service bounds them: rather more than
# an ordinary season has, so that the answer costs no more than was said.
SIZES: dict[str, int] = {
    "Bundle.libraries": 10,
    "Bundle.scores": 10,
    "Calibration.bins": 60,
    "ChangeByCause.contributions": 13,
    "Classification.lines": 24,
    "ConstructorStandings.lines": 12,
    "Driver.seasons": 15,
    "DriverSeason.constructors": 2,
    "DriverStandings.lines": 24,
    "EntryMovement.causes": 4,
    "Explanation.contributions": 13,
    "Forecast.entries": 24,
    "Forecast.missingInputs": 5,
    "Forecast.missingMembers": 5,
    "Forecast.scores": 20,
    "ForecastEntry.attention": 10,
    "ForecastEntry.explanation": 4,
    "ForecastEntry.members": 10,
    "ForecastScore.baselines": 3,
    "ModelComparison.differences": 5,
    "ModelMetric.baselines": 3,
    "Movement.entries": 24,
    "Race.fastestLaps": 24,
    "Race.grid": 24,
    "Race.pitStops": 60,
    "Race.practice": 24,
    "Race.qualifying": 24,
    "Race.results": 24,
    "Race.revisions": 20,
    "Race.sessions": 6,
    "Race.sprint": 24,
    "Receipt.libraries": 10,
    "Refresh.problems": 10,
    "RefreshPayload.asked": 8,
    "Season.races": 24,
    "Service.lastWork": 10,
    "Service.sources": 5,
    "Session.recordings": 5,
    "Session.stints": 60,
    "Session.trackStatus": 20,
    "Source.budget": 5,
    "WeatherForecast.hours": 72,
    # The schema about itself, on average.
    "__Schema.types": 120,
    "__Schema.directives": 5,
    "__Directive.args": 2,
    "__Directive.locations": 3,
    "__Type.fields": 8,
    "__Type.interfaces": 1,
    "__Type.possibleTypes": 1,
    "__Type.enumValues": 3,
    "__Type.inputFields": 1,
    "__Field.args": 1,
}

# The longest `first`, where it is not the usual one.
LONGEST: dict[str, int] = {
    "Session.laps": MOST_ROWS,
    "Session.weather": MOST_ROWS,
    "Session.raceControl": MOST_ROWS,
}


# Lists with an item for each that is named in an argument.
NAMED: dict[str, str] = {
    "Query.nodes": "ids",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """The argument that says how long a list is: the number `first`, or the list of what is asked for.

    Attributes:
        field: Whose it is: `Query.races`.
        unless_given: How long it is when nobody says.
        most: The longest that the field answers.
    """

    field: str
    argument: str
    unless_given: int
    most: int


@dataclass(frozen=True, slots=True)
class FieldCost:
    """What a field costs.

    Attributes:
        weight: For itself, once for each object it is asked of.
        size: How often what is inside it counts.
        is_list: Whether it is a list.
        bound: The argument that says how often, in place of `size`.
        is_page: Whether the bound of the field around it says how often, as for the nodes of a connection.
        type: What is inside.
    """

    weight: int
    size: int
    is_list: bool
    bound: Bound | None
    is_page: bool
    type: GraphQLNamedType | None


# What does not exist is refused later, with better words.
UNKNOWN = FieldCost(VALUE, 1, False, None, False, None)


class Costs:
    """The costs of a schema's fields."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        self._of_type: dict[str, dict[str, FieldCost]] = {}

    def of(self, parent: GraphQLNamedType | None, name: str) -> FieldCost:
        """What a field of a type costs."""
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return UNKNOWN
        known = self._of_type.get(parent.name)
        if known is None:
            known = self._of_type[parent.name] = self._fields(parent)
        return known.get(name, UNKNOWN)

    def _fields(self, parent: GraphQLObjectType | GraphQLInterfaceType) -> dict[str, FieldCost]:
        found = {name: self._cost(parent, name, field) for name, field in parent.fields.items()}
        found["__typename"] = self._cost(parent, "__typename", TypeNameMetaFieldDef)
        if parent is self._schema.query_type:
            found["__schema"] = self._cost(parent, "__schema", SchemaMetaFieldDef)
            found["__type"] = self._cost(parent, "__type", TypeMetaFieldDef)
        return found

    def _cost(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, name: str, field: GraphQLField
    ) -> FieldCost:
        full_name = f"{parent.name}.{name}"
        argument = NAMED.get(full_name, "first")
        bound = None
        if argument in field.args:
            usual_size = field.args[argument].default_value
            bound = Bound(
                full_name,
                argument,
                usual_size if isinstance(usual_size, int) else MOST,
                LONGEST.get(full_name, MOST),
            )
        asks = parent in self._roots and not name.startswith("__")
        inside = get_named_type(field.type)
        is_list = is_list_type(get_nullable_type(field.type)) and hasattr(inside, "fields")
        usual = QUESTION if asks else 0 if is_list else VALUE
        if parent.name.startswith("__") and not hasattr(inside, "fields"):
            # What the schema says of itself is there already.
            usual = 0
        return FieldCost(
            weight=WEIGHTS.get(full_name, usual),
            size=SIZES.get(full_name, 1),
            is_list=is_list,
            bound=bound,
            is_page=is_list and bound is None and full_name not in SIZES,
            type=inside,
        )
