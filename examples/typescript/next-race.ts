// The next race and who is likely to win it: `npm start [address] [driver] [other driver]`.
import { NextRaceDocument, type TypedDocumentString } from './generated/graphql.ts';

const [address = 'http://127.0.0.1:8000/graphql', ahead = 'NOR', behind = 'PIA'] = process.argv.slice(2);

// Sends the hash of the query. Only a server that it is not registered with is sent the text.
async function ask<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  let answer = await post({ documentId: document.__meta__?.hash, variables });
  if (answer.errors?.[0].extensions?.code === 'PERSISTED_QUERY_NOT_FOUND') {
    answer = await post({ query: document.toString(), variables });
  }
  if (answer.errors) throw new Error(answer.errors[0].message);
  return answer.data;
}

async function post(body: object) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify(body),
  });
  return response.json();
}

const percent = (chance: number) => `${(100 * chance).toFixed(1)} %`.padStart(7);

const { nextRace: race } = await ask(NextRaceDocument, { ahead, behind });
if (!race?.forecast) {
  console.log(race ? `${race.name}: no forecast yet` : 'No race is ahead.');
} else {
  console.log(`${race.name}, ${race.startsAt} (${race.circuit.timeZone}), by ${race.forecast.model.version}`);
  for (const { driver, win, podium } of race.forecast.entries) {
    console.log(`${driver.code}  win ${percent(win)}  podium ${percent(podium)}`);
  }
  const duel = race.forecast.headToHead?.ahead;
  if (duel) console.log(`${ahead} ahead of ${behind}: ${percent(duel.probability)}`);
}
