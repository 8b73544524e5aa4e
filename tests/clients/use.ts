// Uses generated types as an application would; `tsc` refuses what the schema does not promise.
import type { ResultOf, VariablesOf } from "@graphql-typed-document-node/core";
import { AroundDocument, BoardDocument, SubmitDocument } from "./gql/graphql";

export const variables: VariablesOf<typeof BoardDocument> = { filter: { status: ["OPEN"], domain: "ai" } };

export function titles(board: ResultOf<typeof BoardDocument>): string[] {
  return board.predictions.nodes.map((card) => `${card.title} ${card.probability?.toFixed(2) ?? "unknown"}`);
}

export function labels(around: ResultOf<typeof AroundDocument>): string[] {
  return (around.neighborhood?.nodes ?? []).map((node) => {
    switch (node.__typename) {
      case "Ticker":
        return `${node.symbol} ${node.name.toUpperCase()}`;
      case "Killer":
      case "Prediction":
      case "Scenario":
        return `${node.title} (${node.status})`;
      default:
        return node.displayName;
    }
  });
}

export function told(answer: ResultOf<typeof SubmitDocument>): string {
  const { submitEvidence } = answer;
  return submitEvidence.__typename === "EvidenceRecorded"
    ? `recorded${submitEvidence.isReplayed ? " before" : ""}`
    : `${submitEvidence.code}: ${submitEvidence.message}`;
}
