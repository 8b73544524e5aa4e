// A list that is paged, and a card that is fetched again by its node, as Relay's compiler takes them.
import { graphql } from "relay-runtime";

export const query = graphql`
  query PredictionsQuery($status: [ClaimStatus!]) {
    ...Predictions_list @arguments(status: $status)
  }
`;

export const list = graphql`
  fragment Predictions_list on Query
  @refetchable(queryName: "PredictionsPageQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 10 }
    after: { type: "String" }
    status: { type: "[ClaimStatus!]" }
  ) {
    predictions(first: $first, after: $after, filter: { status: $status })
      @connection(key: "Predictions_predictions", filters: ["filter"]) {
      totalCount
      edges {
        node {
          id
          ...Predictions_card
        }
      }
    }
  }
`;

export const card = graphql`
  fragment Predictions_card on Prediction
  @refetchable(queryName: "PredictionsCardQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 5 }, after: { type: "String" }) {
    title
    probability
    outgoing(first: $first, after: $after) @connection(key: "Predictions_outgoing") {
      edges {
        node {
          kind
          claim {
            __typename
            title
          }
        }
      }
    }
  }
`;
