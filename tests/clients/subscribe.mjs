// Subscribes to news by one client, from a cursor on; prints the causes of so many events, then goes.
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";

const [name, url, after, most] = process.argv.slice(2);
const query = `subscription News($after: String) { updates(after: $after) { cursor cause } }`;
const variables = { after };
const webSocket = () => createWs({ url: url.replace("http", "ws"), webSocketImpl: WebSocket });

// Each calls `told` for an answer and `failed` for what ends it.
const clients = {
  "graphql-ws": (told, failed) => webSocket().subscribe({ query, variables }, sink(told, failed)),
  "graphql-sse": (told, failed) => createSse({ url }).subscribe({ query, variables }, sink(told, failed)),
  "graphql-sse, single connection": (told, failed) =>
    createSse({ url, singleConnection: true }).subscribe({ query, variables }, sink(told, failed)),
  apollo: (told, failed) => {
    const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
    client.subscribe({ query: gql(query), variables }).subscribe({ next: told, error: failed });
  },
  urql: (told) => {
    const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false });
    client.subscription(query, variables).subscribe(told);
  },
  "urql over graphql-ws": (told) => {
    const ws = webSocket();
    const over = subscriptionExchange({
      forwardSubscription: (asked) => ({
        subscribe: (observer) => ({ unsubscribe: ws.subscribe({ ...asked, query: asked.query ?? "" }, observer) }),
      }),
    });
    new Client({ url, exchanges: [over], preferGetMethod: false }).subscription(query, variables).subscribe(told);
  },
};

const sink = (told, failed) => ({ next: told, error: failed, complete: () => failed("completed") });
const causes = [];
clients[name](
  ({ data, error, errors }) => {
    if (!data) return finish(1, error ?? errors);
    causes.push(data.updates.cause);
    if (causes.length === Number(most)) finish(0);
  },
  (error) => finish(1, error),
);

function finish(code, error) {
  console.log(JSON.stringify(causes));
  if (error) console.error(error);
  process.exit(code);
}
