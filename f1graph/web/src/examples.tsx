// The example queries: GraphiQL's tabs on the first visit, and a list in its sidebar from then on.
import { useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from '@graphiql/react';

import driverCareer from './examples/driver-career.graphql?raw';
import driverLaps from './examples/driver-laps.graphql?raw';
import latestForecast from './examples/latest-forecast.graphql?raw';
import modelMetrics from './examples/model-metrics.graphql?raw';
import nextRace from './examples/next-race.graphql?raw';
import raceResults from './examples/race-results.graphql?raw';
import lastRaces from './examples/last-races.graphql?raw';
import service from './examples/service.graphql?raw';
import standings from './examples/standings.graphql?raw';
import updates from './examples/updates.graphql?raw';
import why from './examples/why.graphql?raw';

const examples = [
  { title: 'Next race and its forecast', query: nextRace },
  { title: 'Latest forecast in detail', query: latestForecast },
  { title: 'Why it says so, and what moved', query: why },
  { title: 'What was published lately', query: updates },
  { title: 'The last races and their forecasts', query: lastRaces },
  { title: 'Results of a race', query: raceResults },
  { title: 'Laps of a driver', query: driverLaps },
  { title: 'Standings after a race', query: standings },
  { title: 'A driver’s career', query: driverCareer },
  { title: 'How good the models are', query: modelMetrics },
  { title: 'How fresh the data is', query: service },
];

export const exampleTabs = examples.map(({ query }) => ({ query }));

function Icon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5">
      <path d="M4 6h.01M4 12h.01M4 18h.01M8 6h12M8 12h12M8 18h12" strokeLinecap="round" />
    </svg>
  );
}

function ExampleList() {
  const { addTab } = useGraphiQLActions();
  const queryEditor = useGraphiQL(state => state.queryEditor);

  // In a new tab, because the one in front may hold a query that somebody is writing.
  function open(query: string) {
    addTab();
    queryEditor?.setValue(query);
  }

  return (
    <section className="examples">
      <h2>Examples</h2>
      <ul>
        {examples.map(({ title, query }) => (
          <li key={title}>
            <button type="button" onClick={() => open(query)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export const examplesPlugin: GraphiQLPlugin = {
  title: 'Examples',
  icon: Icon,
  content: ExampleList,
};
