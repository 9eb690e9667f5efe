"""The next race and who is likely to win it."""

import argparse

from graph import Client

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--address", default="http://127.0.0.1:8000/graphql")
parser.add_argument("--ahead", default="NOR", help="a driver: code, slug or id")
parser.add_argument("--behind", default="PIA", help="another driver")
asked = parser.parse_args()

with Client(asked.address) as graph:
    race = graph.next_race(ahead=asked.ahead, behind=asked.behind).next_race

if race is None:
    print("No race is ahead.")
elif race.forecast is None:
    print(f"{race.name}: no forecast yet")
else:
    print(f"{race.name}, {race.starts_at}, by {race.forecast.model.version}")
    for entry in race.forecast.entries:
        print(f"{entry.driver.code}  win {entry.win:6.1%}  podium {entry.podium:6.1%}")
    if race.forecast.head_to_head is not None:
        print(f"{asked.ahead} ahead of {asked.behind}: {race.forecast.head_to_head.ahead.probability:.1%}")
