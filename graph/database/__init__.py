"""The door to Neo4j: sessions, migrations, receipts, jobs."""
