"""Subjects as clients write them: upserts, links and deletions."""
