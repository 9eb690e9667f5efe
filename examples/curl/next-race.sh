#!/bin/sh
# The next race and who is likely to win it: next-race.sh [address] [driver] [other driver]
set -eu
queries=$(dirname "$0")/../queries
exec curl --silent --show-error --fail-with-body --compressed --get "${1:-http://127.0.0.1:8000/graphql}" \
  --header 'accept: application/graphql-response+json' \
  --data-urlencode "query@$queries/next-race.graphql" \
  --data-urlencode "variables={\"ahead\": \"${2:-NOR}\", \"behind\": \"${3:-PIA}\"}"
