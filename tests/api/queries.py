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
    "track record": "{ modelMetrics { nodes { measure value low high } } models { nodes { key version } } }",
    "updates": "{ updates { nextCursor askAgainAt updates { __typename kind cursor } } }",
    "unknown": '{ race(id: "1949-nowhere") { name } nextRace { name } }',
    "to come": '{ nextRace { results(asOf: "2199-01-01T00:00:00Z") { position } } latestRace { name } }',
    "introspection": "{ __schema { queryType { name fields { name } } } }",
}
