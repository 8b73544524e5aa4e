// Reads a running service through Apollo Client's cache, which must have nothing to warn of. Arguments: the service's
// address, the options of the cache as JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";

const [url, options] = process.argv.slice(2);
const warnings = [];
for (const kind of ["warn", "error"]) console[kind] = (...told) => warnings.push(told.join(" "));

const documents = Object.fromEntries(
  ["Board", "page"].map((name) => [name, readFileSync(`documents/${name}.graphql`, "utf-8")]),
);
const board = gql(documents.Board);
const named = (name) => {
  const find = (wanted) => board.definitions.find((found) => found.name.value === wanted);
  const usesCard = JSON.stringify(find(name)).includes("FragmentSpread");
  return { kind: "Document", definitions: usesCard ? [find(name), find("Card")] : [find(name)] };
};

const cache = new InMemoryCache(JSON.parse(readFileSync(options, "utf-8")));
const client = new ApolloClient({ cache, link: new HttpLink({ uri: `${url}/graphql` }) });
const ask = async (query, variables = {}) => (await client.query({ query, variables })).data;

const first = (await ask(named("Board"), { filter: { status: ["OPEN"] } })).predictions;
assert.equal(first.nodes.length, 3);
const second = (await ask(named("Board"), { filter: { status: ["OPEN"] }, after: first.pageInfo.endCursor })).predictions;
assert.equal(new Set([...first.nodes, ...second.nodes].map(({ id }) => id)).size, 6);

const [{ id, key, title }] = first.nodes;
const around = (await ask(named("Around"), { id })).neighborhood;
assert.ok(around.nodes.length > 1);
const known = new Set(around.nodes.map((node) => node.id));
assert.ok(around.edges.every(({ fromId, toId }) => known.has(fromId) && known.has(toId)));

const page = (await ask(gql(documents.page), { id: key })).prediction;
assert.equal(page.title, title);
const card = client.readFragment({ id: cache.identify({ __typename: "Prediction", id }), fragment: gql`
  fragment Shown on Prediction { title probability deadline }` });
assert.equal(card.title, title);

const again = await ask(named("Everything"), { ids: around.nodes.map((node) => node.id).slice(0, 20) });
assert.ok(again.nodes.every((node) => node.displayName));
const input = { claim: key, direction: "FOR", strength: "WEAK", note: "seen by a client" };
const { data } = await client.mutate({ mutation: named("Submit"), variables: { input } });
assert.equal(data.submitEvidence.__typename, "EvidenceRecorded");
assert.deepEqual(warnings, []);
console.log(`Apollo Client: ${Object.keys(cache.extract()).length} objects in its cache, no warning`);
