// Follows the ledger of a running service through graphql-ws and graphql-sse, which must be told of the same event, and
// of what is wrong with a subscription. Argument: the service's address.
import assert from "node:assert/strict";
import { createClient as createStreams } from "graphql-sse";
import { createClient as createSockets } from "graphql-ws";
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const address = `${url}/graphql`;
const ask = async (query, variables = {}) => {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
};

const sockets = createSockets({ url: address.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 });
const streams = createStreams({ url: address, retryAttempts: 0 });
const { changes, predictions } = await ask(`{ changes(first: 1) { latestEventId }
  predictions(first: 1, filter: { status: [OPEN] }) { nodes { key } } }`);
const following = {
  query: "subscription ($since: String) { ledgerAppended(since: $since) { eventId evidenceKeys } }",
  variables: { since: changes.latestEventId },
};
const next = async (client) => {
  for await (const { data, errors } of client.iterate(following)) {
    assert.equal(errors, undefined);
    return data.ledgerAppended;
  }
};

const told = Promise.all([next(sockets), next(streams)]);
const written = await ask(
  `mutation ($claim: ID!) { submitEvidence(input: { claim: $claim, direction: FOR, strength: WEAK }) {
    ... on EvidenceRecorded { recorded { evidence { key } } } } }`,
  { claim: predictions.nodes[0].key },
);
const [bySocket, byStream] = await told;
assert.deepEqual(bySocket, byStream);
assert.deepEqual(bySocket.evidenceKeys, [written.submitEvidence.recorded.evidence.key]);

const wrong = { query: "subscription { nothing }" };
const refused = (client) =>
  new Promise((resolve, reject) => {
    const sink = { next: ({ errors }) => resolve(errors), error: resolve, complete: () => reject(new Error("no error")) };
    client.subscribe(wrong, sink);
  });
for (const client of [sockets, streams]) {
  const [{ message }] = await refused(client);
  assert.match(message, /Cannot query field 'nothing'/);
}
await sockets.dispose();
streams.dispose();
