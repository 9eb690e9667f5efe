// Sends GraphiQL's queries to the API on the same origin. No subscriptions yet.
import type { Fetcher } from '@graphiql/toolkit';

export const fetcher: Fetcher = async (request, options) => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json',
      'content-type': 'application/json',
      ...options?.headers,
    },
    body: JSON.stringify(request),
  });

  // A proxy's error page is not JSON; its status says more than "Unexpected token '<'".
  if (!response.headers.get('content-type')?.includes('json')) {
    throw new Error(`The server answered ${response.status} ${response.statusText}`.trim());
  }
  return response.json();
};
