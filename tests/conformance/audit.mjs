// Audits a server by GraphQL over HTTP, as a client that sends what a guarded GET needs: node audit.mjs URL
import { auditServer } from "graphql-http";

const send = (url, options = {}) =>
  fetch(url, { ...options, headers: { "graphql-require-preflight": "1", ...options.headers } });
const audits = await auditServer({ url: process.argv[2], fetchFn: send });
const failed = audits.filter((audit) => audit.status !== "ok");
console.log(`graphql-http: ${audits.length} audits, ${audits.length - failed.length} passed`);
for (const audit of failed) console.log(`  ${audit.status} ${audit.id} ${audit.name}: ${audit.reason}`);
process.exitCode = failed.length || !audits.length ? 1 : 0;
