"""
Kernels in NumPy, used where numba is not available and as the reference that tests compare the compiled ones with.

Arguments are those of `graph.inference.network.compiled`; draws are the same, and results agree up to rounding.
"""

import numpy as np

from graph.inference.log_odds import FloatArray
from graph.inference.network.arrays import (
    ConditionalTables,
    EvidenceArrays,
    InterceptArrays,
    MessageArrays,
    RandomStreams,
    SampleArrays,
    SamplingTables,
    Tempering,
)
from graph.inference.network.elementary import configuration_log_odds, fast_sigmoid, softplus
from graph.inference.network.joints import are_independent, parents_joint, sum_distribution
from graph.inference.network.limits import (
    GRID_LIMIT,
    GRID_STEPS,
    LATTICE_STEP,
    MAX_JOINT_WIDTH,
    MAX_LATTICE_POINTS,
    MAX_LOG_ODDS,
    MAX_SOLVED_PARENTS,
    MAX_TABLE_PARENTS,
    MIN_MESSAGE_CHANGE,
    NEWTON_STEPS,
    NEWTON_TOLERANCE,
    NUM_RAKES,
)
from graph.inference.network.streams import GOLDEN, NUM_ORDERS, OrderArray, mix
from graph.inference.network.structure import ByteArray, IntArray, KeyArray, Links, indices_between

LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)
TWO_32 = 4294967296.0
ROWS_PER_BATCH = 512
"""Claims whose samples are looked at together; some megabytes."""


def solve_intercept(log_odds: FloatArray, shares: FloatArray, target: float) -> float:
    """Solve sum of shares * sigmoid(a + log_odds) = target for a by Newton's method within a bracket."""
    log_odds, shares = log_odds[shares > 0.0], shares[shares > 0.0]
    wanted = float(np.log(target) - np.log1p(-target))
    low, high = wanted - float(log_odds.max()), wanted - float(log_odds.min())
    intercept = min(high, max(low, wanted - float(shares @ log_odds)))
    for _ in range(NEWTON_STEPS):
        p = fast_sigmoid(intercept + log_odds)
        excess, slope = float(shares @ p) - target, float(shares @ (p * (1.0 - p)))
        low, high = (low, intercept) if excess > 0.0 else (intercept, high)
        following = intercept - excess / slope if slope > 0.0 else np.inf
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - intercept) <= NEWTON_TOLERANCE:
            return following
        intercept = following
    return intercept


def _visits(stream: int, first: OrderArray, second: OrderArray) -> IntArray:
    num_samples = first.shape[1]
    shift = ((stream >> 8) & 0xFFFFFF) % num_samples
    indices = (second[(stream >> 4) & (NUM_ORDERS - 1)].astype(np.int64) + shift) % num_samples
    visits: IntArray = first[stream & (NUM_ORDERS - 1)][indices].astype(np.int64)
    return visits


def _draw(stream: int, visits: IntArray, configurations: IntArray, thresholds: KeyArray) -> ByteArray:
    """Draw systematically, with one stream for each configuration; thresholds are in units of 2^-32."""
    counts = np.bincount(configurations, minlength=thresholds.size)
    shares = counts.astype(np.uint64) * thresholds
    starts = (np.uint64(stream >> 32) + np.cumsum(shares) - shares) & LOW_32
    visited = configurations[visits]
    by_configuration = np.argsort(visited.astype(np.uint16), kind="stable")  # 16-bit keys use radix sort
    sizes_before = np.cumsum(counts) - counts
    of = visited[by_configuration]
    ranks = (np.arange(visits.size) - sizes_before[of]).astype(np.uint64)
    before = starts[of] + ranks * thresholds[of]
    drawn = np.empty(visits.size, np.uint8)
    drawn[visits[by_configuration]] = ((before + thresholds[of]) >> SHIFT_32) - (before >> SHIFT_32)
    return drawn


def _draw_each(stream: int, visits: IntArray, probabilities: FloatArray) -> ByteArray:
    """Draw systematically, with one stream through all samples."""
    thresholds = (probabilities[visits] * TWO_32).astype(np.uint64)
    total = np.cumsum(thresholds) + np.uint64(stream >> 32)
    drawn = np.empty(visits.size, np.uint8)
    drawn[visits] = (total >> SHIFT_32) - ((total - thresholds) >> SHIFT_32)
    return drawn


def _unpack(words: KeyArray) -> ByteArray:
    return np.unpackbits(words.view(np.uint8), bitorder="little")


def draw_prior(
    claims: IntArray,
    solve: int,
    max_error: float,
    links: Links,
    prior_marginals: FloatArray,
    streams: RandomStreams,
    bits: KeyArray,
    results: InterceptArrays,
) -> int:
    """
    Draw claims given their parents, in topological order; if `solve` is 1, solve for their intercepts first.

    Stops after a claim whose intercept errs by more than `max_error`; returns how many were drawn.
    """
    num_samples = streams.first.shape[1]
    for number, i in enumerate(claims.tolist()):
        own_links = slice(links.parent_start[i], links.parent_start[i + 1])
        stream = int(streams.keys[i])
        visits = _visits(stream, streams.first, streams.second)
        parents = [_unpack(bits[s]) for s in links.link_parents[own_links].tolist()]
        marginals = prior_marginals[links.link_parents[own_links]]
        exact = _exact_sums(i, links, results.intercepts, prior_marginals) if solve else None
        if exact is not None:
            results.intercepts[i] = solve_intercept(*exact, prior_marginals[i])
        target = float(prior_marginals[i]) if solve and exact is None else None
        weights = links.weights[own_links]
        if len(parents) <= MAX_SOLVED_PARENTS:
            configurations = np.zeros(num_samples, np.int64)
            for j, parent in enumerate(parents):
                configurations |= parent.astype(np.int64) << j
            shares = np.bincount(configurations, minlength=1 << len(parents)) / num_samples
            shares = shares if exact is None else exact[1]
            p = _describe_few(i, weights, shares, marginals, target, num_samples, results, own_links)
            drawn = _draw(stream, visits, configurations, (p * TWO_32).astype(np.uint64))
        else:
            drawn = _draw_each(
                stream, visits, _describe_many(i, weights, parents, marginals, target, results, own_links)
            )
        bits[i] = np.packbits(drawn, bitorder="little").view(np.uint64)
        if solve and results.errors[i] > max_error:
            return number + 1
    return claims.size


def _describe_few(
    claim: int,
    weights: FloatArray,
    shares: FloatArray,
    marginals: FloatArray,
    target: float | None,
    num_samples: int,
    results: InterceptArrays,
    own_links: slice,
) -> FloatArray:
    """Write the results of a claim whose parents' configurations are counted; return P(claim) of each."""
    table = configuration_log_odds(weights)
    is_set = (np.arange(table.size)[:, None] >> np.arange(weights.size)) & 1
    if target is not None:
        shares = _rake(shares, is_set, marginals)
        results.intercepts[claim] = solve_intercept(table, shares, target)
    p = fast_sigmoid(results.intercepts[claim] + table)
    changes = shares * p * (1.0 - p)
    results.means[claim], results.slopes[claim] = shares @ p, changes.sum()
    results.pulls[own_links] = -(changes @ is_set) / results.slopes[claim]
    if target is not None:
        results.errors[claim] = _table_error(p, shares, is_set, num_samples) / results.slopes[claim]
    return p


def _describe_many(
    claim: int,
    weights: FloatArray,
    parents: list[ByteArray],
    marginals: FloatArray,
    target: float | None,
    results: InterceptArrays,
    own_links: slice,
) -> FloatArray:
    """Write the results of a claim with more parents; return P(claim) in each sample."""
    num_samples = parents[0].size
    sums = np.zeros(num_samples)
    for parent, weight in zip(parents, weights, strict=True):
        sums += weight * parent
    left = 0.0
    if target is not None:
        shares = np.full(num_samples, 1.0 / num_samples)
        intercept = solve_intercept(sums, shares, target)
        corrected, left = _correct_target(fast_sigmoid(intercept + sums), sums, float(weights @ marginals), target)
        results.intercepts[claim] = solve_intercept(sums, shares, corrected)
    p = fast_sigmoid(results.intercepts[claim] + sums)
    changes = p * (1.0 - p) / num_samples
    results.means[claim], results.slopes[claim] = p.mean(), changes.sum()
    results.pulls[own_links] = [-(changes @ parent) / results.slopes[claim] for parent in parents]
    if target is not None:
        error = np.sqrt(left / num_samples) + np.ptp(p) / num_samples
        results.errors[claim] = error / results.slopes[claim]
    return p


def _correct_target(p: FloatArray, sums: FloatArray, expected: float, target: float) -> tuple[float, float]:
    """Return the mean to solve for, corrected by the known mean of the sums, and the variance that this leaves."""
    variance = float(sums.var())
    if variance <= 0.0:
        return target, 0.0
    slope = float(((p - p.mean()) * sums).mean()) / variance
    corrected = target + slope * (float(sums.mean()) - expected)
    left = max(float(p.var()) - slope**2 * variance, 0.0)
    return min(0.5 * (1.0 + target), max(0.5 * target, corrected)), left


def _exact_sums(
    claim: int, links: Links, intercepts: FloatArray, prior_marginals: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """Compute the log-odds that parents add and their shares, if their joint distribution can be had."""
    own = slice(links.parent_start[claim], links.parent_start[claim + 1])
    parents, weights = links.link_parents[own], links.weights[own]
    if parents.size <= MAX_JOINT_WIDTH:
        shares = parents_joint(claim, links, intercepts, prior_marginals)
        return None if shares is None else (configuration_log_odds(weights), shares)
    num_points = int(np.abs(np.rint(weights / LATTICE_STEP)).sum())
    if num_points >= MAX_LATTICE_POINTS or not are_independent(parents.tolist(), links):
        return None
    return sum_distribution(weights, prior_marginals[parents])


def _rake(shares: FloatArray, is_set: IntArray, marginals: FloatArray) -> FloatArray:
    """Scale the shares of configurations so that each parent has its prior marginal, as far as it varies in them."""
    for _ in range(NUM_RAKES):
        for j, wanted in enumerate(marginals.tolist()):
            found = float(shares @ is_set[:, j])
            if 0.0 < found < 1.0:
                shares = shares * np.where(is_set[:, j] == 1, wanted / found, (1.0 - wanted) / (1.0 - found))
    return shares


def _table_error(p: FloatArray, shares: FloatArray, is_set: IntArray, num_samples: int) -> float:
    """Standard error of P(claim) from raked shares: what a sum of functions of each parent leaves of its variance."""
    left = p - shares @ p
    for _ in range(NUM_RAKES):
        for j in range(is_set.shape[1]):
            true, with_parent = float(shares @ is_set[:, j]), float((shares * left) @ is_set[:, j])
            if 0.0 < true < 1.0:
                left = left - np.where(is_set[:, j] == 1, with_parent / true, -with_parent / (1.0 - true))
    return float(np.sqrt(shares @ (left * left) / num_samples) + np.ptp(p) / num_samples)


def add_weights(claims: IntArray, bits: KeyArray, weights: FloatArray, totals: FloatArray) -> None:
    """Write the total weight of the samples in which each claim is true; bits of one replicate, shape (n, words)."""
    # The weights of each byte's samples are added up for each of its 256 values, and then looked up.
    sums = np.zeros((weights.size // 8, 256))
    for bit, column in enumerate(weights.reshape(-1, 8).T):
        sums[:, 1 << bit : 2 << bit] = sums[:, : 1 << bit] + column[:, None]
    for start in range(0, claims.size, ROWS_PER_BATCH):
        own = np.ascontiguousarray(bits[claims[start : start + ROWS_PER_BATCH]]).view(np.uint8)
        totals[start : start + ROWS_PER_BATCH] = sums[np.arange(own.shape[1]), own].sum(axis=1)


def add_coefficients(claims: IntArray, bits: KeyArray, coefficients: FloatArray, totals: FloatArray) -> None:
    """Add each claim's coefficient to the totals of the samples in which it is true; bits of one replicate."""
    for start in range(0, claims.size, ROWS_PER_BATCH):
        own = np.ascontiguousarray(bits[claims[start : start + ROWS_PER_BATCH]]).view(np.uint8)
        states = np.unpackbits(own, axis=-1, bitorder="little").view(np.bool_)
        for state, coefficient in zip(states, coefficients[start : start + ROWS_PER_BATCH], strict=True):
            totals[state] += coefficient


def add_changes(words: KeyArray, strata: ByteArray, changes: FloatArray, totals: FloatArray) -> None:
    """Add the change of each sample's stratum to its total where a claim is true; bits of the claim, shape (words,)."""
    state = np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_)
    totals[state] += changes[strata[state]]


def draw_proposal(
    claims: IntArray,
    links: Links,
    evidence: EvidenceArrays,
    tables: SamplingTables,
    streams: RandomStreams,
    samples: SampleArrays,
) -> None:
    """Draw claims given their parents from sigmoid(log-odds + proposal), in topological order; clamp observed ones."""
    parent_start, link_parents, weights = links.parent_start, links.link_parents, links.weights
    observed, proposal, intercepts = evidence.observed, tables.proposal, tables.intercepts
    states, log_odds = samples
    for i in claims.tolist():
        own_links = slice(parent_start[i], parent_start[i + 1])
        stream, wide, row = int(streams.keys[i]), tables.wide_rows[i], states[i]
        row[:] = 0
        if wide < 0:
            for j, parent in enumerate(link_parents[own_links].tolist()):
                row |= (states[parent] & np.uint8(1)) << np.uint8(j + 1)
        else:
            sums = log_odds[wide]
            sums[:] = intercepts[i]
            for parent, weight in zip(link_parents[own_links].tolist(), weights[own_links], strict=True):
                sums += weight * (states[parent] & np.uint8(1))
        if observed[i] >= 0:
            row |= np.uint8(observed[i])
        elif wide < 0:
            own = tables.thresholds[tables.start[i] : tables.start[i] + (1 << (own_links.stop - own_links.start))]
            row |= _draw(
                stream, _visits(stream, streams.first, streams.second), (row >> np.uint8(1)).astype(np.int64), own
            )
        else:
            row |= _draw_each(
                stream, _visits(stream, streams.first, streams.second), fast_sigmoid(log_odds[wide] + proposal[i])
            )


def weigh(
    claims: IntArray,
    evidence: EvidenceArrays,
    tables: SamplingTables,
    samples: SampleArrays,
    log_weights: FloatArray,
) -> None:
    """Add these claims' log importance weights to each sample's."""
    llr, observed = evidence
    proposal, start, wide_rows = tables.proposal, tables.start, tables.wide_rows
    states, log_odds = samples
    for i in claims.tolist():
        if wide_rows[i] < 0:
            log_weights += tables.log_weights[2 * start[i] + states[i].astype(np.int64)]
            continue
        z = log_odds[wide_rows[i]]
        if observed[i] >= 0:
            log_weights -= softplus(z if observed[i] == 0 else -z)
            if llr[i] != 0.0:
                log_weights += softplus(z + llr[i])
        else:
            x = states[i] & np.uint8(1)
            log_weights += softplus(z + proposal[i]) - softplus(z) - (proposal[i] - llr[i]) * x


def interpolate(grid: FloatArray, x: FloatArray) -> FloatArray:
    """Interpolate by cubic Hermite splines, linearly outside; the grid holds values and slopes times the step."""
    position = (x + GRID_LIMIT) * GRID_STEPS
    last = grid.shape[0] - 1
    k = np.clip(position.astype(np.int64), 0, last - 1)
    t = np.clip(position - k, 0.0, 1.0)
    v0, s0, v1, s1 = grid[k, 0], grid[k, 1], grid[k + 1, 0], grid[k + 1, 1]
    d = v1 - v0
    inside = v0 + t * (s0 + t * (3.0 * d - 2.0 * s0 - s1 + t * (s0 + s1 - 2.0 * d)))
    values: FloatArray = (
        inside + np.minimum(position, 0.0) * grid[0, 1] + np.maximum(position - last, 0.0) * grid[last, 1]
    )
    return values


def sweep_gibbs(
    claims: IntArray,
    links: Links,
    evidence: EvidenceArrays,
    tables: SamplingTables,
    tempering: Tempering,
    keys: KeyArray,
    samples: SampleArrays,
    means: FloatArray,
) -> None:
    """Draw each unobserved claim given all others, from the distribution tempered by beta."""
    parent_start, weights, link_children = links.parent_start, links.weights, links.link_children
    child_start, child_links = links.child_start, links.child_links
    llr, observed = evidence
    proposal, start, table, wide_rows = tables.proposal, tables.start, tables.log_odds, tables.wide_rows
    beta, potentials, grids = tempering
    states, log_odds = samples
    num_samples = states.shape[1]
    one = np.uint8(1)
    steps = np.arange(num_samples, dtype=np.uint64) * np.uint64(GOLDEN)
    for i in claims.tolist():
        if observed[i] >= 0:
            continue
        row = states[i]
        children = [
            (link, link_children[link], weights[link])
            for link in child_links[child_start[i] : child_start[i + 1]].tolist()
        ]
        own = proposal[i] - beta * (proposal[i] - llr[i])
        if wide_rows[i] < 0:
            sums = own + table[start[i] + (row >> one).astype(np.int64)]
        else:
            sums = own + log_odds[wide_rows[i]]
        for link, c, weight in children:
            gain = weight if observed[c] < 0 else beta * weight
            if wide_rows[c] < 0:
                bit = 1 << (link - parent_start[c])
                full = np.arange(1 << (parent_start[c + 1] - parent_start[c] + 1))
                with_i = (full >> 1) | bit
                effects = gain * (full & 1) - (potentials[start[c] + with_i] - potentials[start[c] + (with_i ^ bit)])
                sums += effects[states[c]]
            else:
                without_i = log_odds[wide_rows[c]] - weight * (row & one)
                grid = grids[wide_rows[c]]
                sums += gain * (states[c] & one)
                sums -= interpolate(grid, without_i + weight) - interpolate(grid, without_i)
        p = fast_sigmoid(sums)
        uniforms = (mix(steps + keys[i]) >> np.uint64(11)) * 2.0**-53
        flips = (uniforms < p).astype(np.uint8) ^ (row & one)
        row ^= flips
        means[i] += p.mean()
        for link, c, weight in children:
            if wide_rows[c] < 0:
                states[c] ^= flips << np.uint8(link - parent_start[c] + 1)
            else:
                log_odds[wide_rows[c]] += weight * (flips * (2.0 * (row & one) - 1.0))


def sweep_forward(
    claims: IntArray,
    links: Links,
    evidence: EvidenceArrays,
    tables: ConditionalTables,
    messages: MessageArrays,
) -> None:
    """Update each claim's prior from its parents and its belief from prior, evidence and children, parents first."""
    parent_start, link_parents, weights = links.parent_start, links.link_parents, links.weights
    child_start, child_links = links.child_start, links.child_links
    llr, observed = evidence
    upward, downward, if_true, if_false, priors, beliefs = messages
    from_children = _sums_of(upward[child_links], child_start)
    num_parents = np.diff(parent_start)
    for group in _groups(claims, links.levels, num_parents):
        k = num_parents[group[0]]
        own_links = parent_start[group][:, None] + np.arange(k)
        parents = link_parents[own_links]
        own = np.where(observed[parents] >= 0, 0.0, upward[own_links])
        message = np.clip(beliefs[parents] - own, -MAX_LOG_ODDS, MAX_LOG_ODDS)
        is_changed = ~(np.abs(message - downward[own_links]) <= MIN_MESSAGE_CHANGE).all(axis=1) | (k == 0)
        changed, own_links, message = group[is_changed], own_links[is_changed], message[is_changed]
        downward[own_links] = message
        incoming = fast_sigmoid(message)
        if k <= MAX_TABLE_PARENTS:
            table = tables.probabilities[tables.start[changed][:, None] + np.arange(1 << k)]
            p, if_true[own_links], if_false[own_links] = _expect_table(table, incoming)
        else:
            p, if_true[own_links], if_false[own_links] = _expect_moments(
                tables.intercepts[changed], weights[own_links], incoming, tables.nodes, tables.node_weights
            )
        priors[changed] = np.clip(np.log(p) - np.log1p(-p), -MAX_LOG_ODDS, MAX_LOG_ODDS)
        fixed = np.where(observed[group] == 1, MAX_LOG_ODDS, -MAX_LOG_ODDS)
        beliefs[group] = np.where(observed[group] >= 0, fixed, priors[group] + llr[group] + from_children[group])


def sweep_backward(
    claims: IntArray,
    damping: float,
    links: Links,
    evidence: EvidenceArrays,
    messages: MessageArrays,
) -> float:
    """Update messages to parents, children first; return the largest undamped change of one or of a claim's sum."""
    parent_start, link_parents = links.parent_start, links.link_parents
    child_start, child_links = links.child_start, links.child_links
    llr, observed = evidence
    upward, if_true, if_false = messages.upward, messages.if_true, messages.if_false
    changes = np.zeros_like(upward)
    num_parents = np.diff(parent_start)
    for group in _groups(claims, links.levels, np.zeros_like(links.levels))[::-1]:
        links_to_children = child_links[indices_between(child_start, group)]
        starts = np.zeros(group.size + 1, np.int64)
        np.cumsum(child_start[group + 1] - child_start[group], out=starts[1:])
        below = llr[group] + _sums_of(upward[links_to_children], starts)
        fixed = np.where(observed[group] == 1, MAX_LOG_ODDS, -MAX_LOG_ODDS)
        below = np.where(observed[group] >= 0, fixed, np.clip(below, -MAX_LOG_ODDS, MAX_LOG_ODDS))
        below = np.repeat(below, num_parents[group])
        likely, unlikely = np.exp(np.minimum(below, 0.0)), np.exp(np.minimum(-below, 0.0))
        own_links = indices_between(parent_start, group)
        if not own_links.size:
            continue
        with_parent = likely * if_true[own_links] + unlikely * (1.0 - if_true[own_links])
        without = likely * if_false[own_links] + unlikely * (1.0 - if_false[own_links])
        sent = np.clip(np.log(with_parent) - np.log(without), -MAX_LOG_ODDS, MAX_LOG_ODDS)
        changes[own_links] = sent - upward[own_links]
        upward[own_links] = damping * upward[own_links] + (1.0 - damping) * sent
    sums = np.bincount(link_parents, changes, minlength=num_parents.size)
    return max(float(np.abs(changes).max(initial=0.0)), float(np.abs(sums).max(initial=0.0)))


def _groups(claims: IntArray, levels: IntArray, num_parents: IntArray) -> list[IntArray]:
    """Group claims by level and number of parents, in the order of the levels."""
    if not claims.size:
        return []
    codes = levels[claims] * (int(num_parents.max()) + 1) + num_parents[claims]
    order = np.argsort(codes, kind="stable")
    return np.split(claims[order], np.flatnonzero(np.diff(codes[order])) + 1)


def _sums_of(values: FloatArray, start: IntArray) -> FloatArray:
    """Sum values[start[i]:start[i + 1]] for each i."""
    owners = np.repeat(np.arange(start.size - 1), np.diff(start))
    return np.bincount(owners, values, minlength=start.size - 1).astype(np.float64)


def _expect_table(table: FloatArray, incoming: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    products = np.ones((incoming.shape[0], 1))
    for j in range(incoming.shape[1]):
        p = incoming[:, j : j + 1]
        products = np.concatenate([products * (1.0 - p), products * p], axis=1)
    products *= table
    if_true, if_false = np.empty_like(incoming), np.empty_like(incoming)
    for j in range(incoming.shape[1] - 1, -1, -1):
        low, high = products[:, : 1 << j], products[:, 1 << j :]
        if_false[:, j] = low.sum(axis=1) / (1.0 - incoming[:, j])
        if_true[:, j] = high.sum(axis=1) / incoming[:, j]
        products = low + high
    return products[:, 0], if_true, if_false


def _expect_moments(
    intercepts: FloatArray, weights: FloatArray, incoming: FloatArray, nodes: FloatArray, node_weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    means = weights * incoming
    variances = weights**2 * incoming * (1.0 - incoming)
    mean, variance = intercepts + means.sum(axis=1), variances.sum(axis=1)
    rest, spread = mean[:, None] - means, variance[:, None] - variances
    return (
        expect_normal(mean, variance, nodes, node_weights),
        expect_normal(rest + weights, spread, nodes, node_weights),
        expect_normal(rest, spread, nodes, node_weights),
    )


def expect_normal(mean: FloatArray, variance: FloatArray, nodes: FloatArray, node_weights: FloatArray) -> FloatArray:
    """Compute the mean of sigmoid(z) for normal z by Gauss-Hermite quadrature."""
    spread = np.sqrt(2.0 * np.maximum(variance, 0.0))
    return fast_sigmoid(mean[..., None] + spread[..., None] * nodes) @ node_weights
