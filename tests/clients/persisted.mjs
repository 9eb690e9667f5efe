// Asks the same document twice by its hash, with the clients that know automatic persisted queries.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";

const [url] = process.argv.slice(2);
const bodies = [];
const counting = (address, options) => {
  bodies.push(options?.body ? JSON.parse(options.body) : Object.fromEntries(new URL(address).searchParams));
  return fetch(address, options);
};
const document = (name) => `query ${name} { nextRace { name } }`;
const found = {};

for (const viaGet of [false, true]) {
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([
      new PersistedQueryLink({
        sha256: (text) => createHash("sha256").update(text).digest("hex"),
        useGETForHashedQueries: viaGet,
      }),
      new HttpLink({ uri: url, fetch: counting }),
    ]),
  });
  const urql = new Client({
    url,
    fetch: counting,
    preferGetMethod: false,
    exchanges: [persistedExchange({ preferGetForPersistedQueries: viaGet }), fetchExchange],
  });
  const ask = {
    apollo: async (text) =>
      (await apollo.query({ query: gql(text), fetchPolicy: "no-cache" })).data,
    urql: async (text) => {
      const { data, error } = await urql.query(text, {}, { requestPolicy: "network-only" });
      if (error) throw error;
      return data;
    },
  };
  for (const [name, run] of Object.entries(ask)) {
    const text = document(`${name}${viaGet ? "Get" : "Post"}`);
    const answers = [];
    for (let time = 0; time < 2; time++) {
      bodies.length = 0;
      const { nextRace } = await run(text);
      answers.push({ race: nextRace.name, withText: bodies.map(({ query }) => Boolean(query)) });
    }
    found[`${name} ${viaGet ? "GET" : "POST"}`] = answers;
  }
}
console.log(JSON.stringify(found));
process.exit(0);
