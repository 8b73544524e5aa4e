"""The joint model of all claims: read from the graph, computed over in threads, its marginals stored by runs."""
