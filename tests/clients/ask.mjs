// A query by each client that people use for queries; prints what each was answered.
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { GraphQLClient } from "graphql-request";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const query = `query Race($id: ID!) { race(id: $id) { slug name } }`;
const variables = { id: "2024-gp-4" };

const apollo = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
const urql = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
const urqlByGet = new Client({ url, exchanges: [fetchExchange], preferGetMethod: "force" });
const ws = createWs({ url: url.replace("http", "ws"), webSocketImpl: WebSocket });
const sse = createSse({ url });
const single = createSse({ url, singleConnection: true });

async function first(client) {
  for await (const answer of client.iterate({ query, variables })) return answer.data;
}

const answers = {
  "graphql-request": await new GraphQLClient(url).request(query, variables),
  urql: (await urql.query(query, variables).toPromise()).data,
  "urql by GET": (await urqlByGet.query(query, variables).toPromise()).data,
  apollo: (await apollo.query({ query: gql(query), variables })).data,
  "graphql-ws": await first(ws),
  "graphql-sse": await first(sse),
  "graphql-sse, single connection": await first(single),
};
// Clients add the name of the type for their caches.
console.log(JSON.stringify(answers, (key, value) => (key === "__typename" ? undefined : value)));
process.exit(0);
