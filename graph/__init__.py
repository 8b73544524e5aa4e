"""The domain: data model, database access, ledger, outcomes, network and bundles, without HTTP or GraphQL."""
