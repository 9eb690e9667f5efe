// Sends GraphiQL's queries to the API on the same origin. No subscriptions yet.
import type { Fetcher } from '@graphiql/toolkit';
import { GraphQLError } from 'graphql';

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

  // A proxy's error page is not JSON; its status says more than "Unexpected token '<'". Returned
  // rather than thrown, because GraphiQL prints the stack of what is thrown.
  if (!response.headers.get('content-type')?.includes('json')) {
    const message = `The server answered ${response.status} ${response.statusText}`.trim();
    return { errors: [new GraphQLError(message)] };
  }
  return response.json();
};
