// Sends GraphiQL's operations to the API on the same origin; a subscription is answered as server-sent events.
import type { ExecutionResultPayload, Fetcher } from '@graphiql/toolkit';
import { GraphQLError } from 'graphql';

export const fetcher: Fetcher = async (request, options) => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      // The server streams only what is a subscription: JSON is liked as much and named first.
      accept: 'application/graphql-response+json, application/json, text/event-stream',
      'content-type': 'application/json',
      ...options?.headers,
    },
    body: JSON.stringify(request),
  });

  const type = response.headers.get('content-type');
  if (type?.includes('text/event-stream') && response.body) return events(response.body);

  // A proxy's error page is not JSON; its status says more than "Unexpected token '<'". Returned
  // rather than thrown, because GraphiQL prints the stack of what is thrown.
  if (!type?.includes('json')) {
    const message = `The server answered ${response.status} ${response.statusText}`.trim();
    return { errors: [new GraphQLError(message)] };
  }
  return response.json();
};

// The answers on an event stream, until GraphiQL stops it.
function events(body: ReadableStream<Uint8Array>): AsyncIterableIterator<ExecutionResultPayload> {
  const reader = body.getReader();
  const answers = read(reader);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => answers.next(),
    // A generator that waits for the next event would hear of it with that event only.
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

async function* read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<ExecutionResultPayload> {
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const found = (text + decoder.decode(value, { stream: true })).split('\n\n');
    text = found.pop() ?? '';
    for (const event of found) {
      const data = event.split('\n').find(line => line.startsWith('data: '));
      if (data) yield JSON.parse(data.slice('data: '.length));
    }
  }
}
