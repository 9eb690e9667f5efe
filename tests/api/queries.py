"""Questions that between them ask everything: the examples of GraphiQL, and wide ones."""

from __future__ import annotations

from pathlib import Path

import f1graph

EXAMPLES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(f1graph.__file__).parent / "web/src/examples").glob("*.graphql"))
}
WIDE = """
query ($first: Int! = 100) {
  races(season: 2024, first: $first) {
    totalCount
    nodes {
      name circuit { name races(first: 3) { nodes { name } totalCount } }
      results { position driver { name career { wins } seasons { year constructors { name } } }
        constructor { name } }
      qualifying { driver { name } } grid { driver { name } }
      sessions { startsAtLocal } revisions { kind }
      driverStandings { lines { points driver { name
        results(first: 3) { nodes { race { name } } totalCount } } } }
      constructorStandings { lines { points constructor { name } } }
      forecast { previous { stage } scores { value } entries { driver { name } constructor { name }
        members { win } } }
      forecasts(first: 2) { nodes { stage } totalCount }
    }
  }
}
"""
# Every kind of question, those that fail too.
SUITE = {
    **EXAMPLES,
    "wide": WIDE,
    "service": "{ service { version dataVersion lastWork { key status } sources { name lastSuccess } } }",
    "people": '{ drivers(search: "nor") { nodes { slug seasons { year points } } totalCount } '
    "constructors(season: 2024) { edges { cursor node { name } } pageInfo { hasNextPage endCursor } } }",
    "explained": "{ forecasts(first: 10) { nodes { entries { win explanation(of: WIN) { contributions "
    "{ value } } attention { race { name } } variableWeights { weight } } "
    "movement { since { stage } entries { win causes { value } } } } } }",
    "track record": "{ modelMetrics { totalCount nodes { measure value low high } } "
    'models { totalCount nodes { id key version } } calibration(model: "rating", stage: AFTER_QUALIFYING) '
    '{ bins { target count observed low high } } compareModels(models: ["rating", "grid"], '
    "stage: AFTER_QUALIFYING, measure: WINNER_LOG_LOSS) { races differences { other difference low high } "
    "} }",
    "drawn": '{ forecasts(first: 5) { nodes { chance(of: { podium: ["norris", "alonso"], out: ["gasly"] }) '
    '{ probability low high } headToHead(a: "norris", b: "alonso") { ahead { count } bothOut { count } } } '
    "} }",
    "filtered": '{ races(constructor: "team-0", order: NEWEST_FIRST) { totalCount nodes { slug } } '
    'drivers(constructor: "team-0", nationality: "Monaco") { totalCount nodes { slug '
    'results(upToPosition: 3, circuit: "monza", order: OLDEST_FIRST) { totalCount nodes { position } } } } '
    'circuits(country: "ITA", search: "mon") { totalCount nodes { name } } }',
    "updates": "{ updates { nextCursor askAgainAt updates { __typename kind cursor } } }",
    "unknown": '{ race(id: "1949-nowhere") { name } nextRace { name } }',
    "to come": '{ nextRace { results(asOf: "2199-01-01T00:00:00Z") { position } } latestRace { name } }',
    "introspection": "{ __schema { queryType { name fields { name } } } }",
}
