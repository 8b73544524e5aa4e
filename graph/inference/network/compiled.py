"""
Kernels compiled by numba on their first call and read from its cache afterwards.

Only `graph.inference.network.kernels` imports this module, and only when a kernel is needed: importing numba takes some
half a second. `graph.inference.network.vectorized` implements the same kernels in NumPy, draw for draw.
"""

import math

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
from graph.inference.network.compiled_joints import (
    JointWorkspace,
    are_independent,
    make_workspace,
    parents_joint,
    sum_distribution,
)
from graph.inference.network.jit import jit
from graph.inference.network.limits import (
    GRID_LIMIT,
    GRID_STEPS,
    LATTICE_STEP,
    MAX_JOINT_WIDTH,
    MAX_LOG_ODDS,
    MAX_NARROW_PARENTS,
    MAX_SOLVED_PARENTS,
    MAX_TABLE_PARENTS,
    MIN_MESSAGE_CHANGE,
    NEWTON_STEPS,
    NEWTON_TOLERANCE,
    NUM_RAKES,
)
from graph.inference.network.streams import GOLDEN, MIX_1, MIX_2, NUM_ORDERS, OrderArray
from graph.inference.network.structure import ByteArray, IntArray, KeyArray, Links

ONE_64 = np.uint64(1)
BIT_MASK = np.uint64(63)
LOW_8 = np.uint64(0xFF)
LOW_32 = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)
TWO_32 = 4294967296.0
GOLDEN_64, MIX_1_64, MIX_2_64 = np.uint64(GOLDEN), np.uint64(MIX_1), np.uint64(MIX_2)
SHIFT_30, SHIFT_27, SHIFT_31, SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
SHIFT_4, SHIFT_8 = np.uint64(4), np.uint64(8)
ORDER_MASK, VISIT_MASK = np.uint64(NUM_ORDERS - 1), np.uint64(0xFFFFFF)
TWO_53 = 1.0 / 9007199254740992.0
NUM_FIRST = 1024
"""Samples on which Newton's method finds a first guess of an intercept."""


@jit
def _sigmoid(x: float) -> float:
    # Branch-free, as a branch would be mispredicted half the time. If exp overflows to infinity, the result is 0.
    return 1.0 / (1.0 + math.exp(-x))


@jit
def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@jit
def _limited(x: float) -> float:
    return min(MAX_LOG_ODDS, max(-MAX_LOG_ODDS, x))


@jit
def _uniform(start: np.uint64, number: int) -> float:
    """Return the number-th uniform in [0, 1) of a stream."""
    value = start + np.uint64(number) * GOLDEN_64
    value = (value ^ (value >> SHIFT_30)) * MIX_1_64
    value = (value ^ (value >> SHIFT_27)) * MIX_2_64
    value = value ^ (value >> SHIFT_31)
    return float(value >> SHIFT_11) * TWO_53


@jit
def _solve(log_odds: FloatArray, shares: FloatArray, target: float, guess: float) -> float:
    """Solve sum of shares * sigmoid(a + log_odds) = target for a by Newton's method within a bracket."""
    lowest, highest, mean = math.inf, -math.inf, 0.0
    for c in range(log_odds.size):
        if shares[c] > 0.0:
            lowest = min(lowest, log_odds[c])
            highest = max(highest, log_odds[c])
            mean += shares[c] * log_odds[c]
    wanted = math.log(target) - math.log1p(-target)
    low, high = wanted - highest, wanted - lowest
    intercept = min(high, max(low, wanted - mean if math.isnan(guess) else guess))
    for _ in range(NEWTON_STEPS):
        excess, slope = -target, 0.0
        for c in range(log_odds.size):
            if shares[c] > 0.0:
                p = _sigmoid(intercept + log_odds[c])
                excess += shares[c] * p
                slope += shares[c] * p * (1.0 - p)
        if excess > 0.0:
            high = intercept
        else:
            low = intercept
        following = intercept - excess / slope if slope > 0.0 else math.inf
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - intercept) <= NEWTON_TOLERANCE:
            return following
        intercept = following
    return intercept


@jit
def _visit(stream: np.uint64, first: OrderArray, second: OrderArray, visits: OrderArray) -> None:
    """Write the order in which a claim visits the samples."""
    a = first[np.int64(stream & ORDER_MASK)]
    b = second[np.int64((stream >> SHIFT_4) & ORDER_MASK)]
    shift = np.int64((stream >> SHIFT_8) & VISIT_MASK) % visits.size
    for t in range(visits.size):
        index = np.int64(b[t]) + shift
        if index >= visits.size:
            index -= visits.size
        visits[t] = a[index]


@jit
def _start(stream: np.uint64, thresholds: KeyArray, counts: IntArray) -> None:
    """Replace counts by the start of each configuration's systematic draws, in units of 2^-32."""
    total = stream >> SHIFT_32
    for c in range(counts.size):
        count = counts[c]
        counts[c] = np.int64(total & LOW_32)
        total += np.uint64(count) * thresholds[c]


@jit
def _configure(bits: KeyArray, parents: IntArray, configurations: OrderArray) -> None:
    """Write the parents' configuration in each sample: bit j is the j-th parent."""
    configurations[:] = 0
    for j in range(parents.size):
        words = bits[parents[j]]
        for w in range(words.size):
            word = words[w]
            for b in range(64):
                configurations[64 * w + b] |= np.uint16((word >> np.uint64(b)) & ONE_64) << np.uint16(j)


@jit
def _add_up(bits: KeyArray, parents: IntArray, weights: FloatArray, sums: FloatArray) -> None:
    """Write the sum of the true parents' weights in each sample."""
    sums[:] = 0.0
    for j in range(parents.size):
        words = bits[parents[j]]
        for w in range(words.size):
            word = words[w]
            for b in range(64):
                sums[64 * w + b] += weights[j] * float((word >> np.uint64(b)) & ONE_64)


@jit
def _tabulate(weights: FloatArray, table: FloatArray) -> None:
    """Write the log-odds that each configuration of the parents adds."""
    table[0] = 0.0
    for j in range(weights.size):
        for c in range(1 << j):
            table[c + (1 << j)] = table[c] + weights[j]


@jit
def _pack(drawn: ByteArray, words: KeyArray) -> None:
    """Pack bytes of 0 or 1 into bits."""
    for w in range(words.size):
        word = np.uint64(0)
        for b in range(64):
            word |= np.uint64(drawn[64 * w + b]) << np.uint64(b)
        words[w] = word


@jit
def _draw_each(stream: np.uint64, visits: OrderArray, probabilities: FloatArray, drawn: ByteArray) -> None:
    """Draw systematically, with one stream through all samples."""
    total = stream >> SHIFT_32
    for t in range(visits.size):
        m = visits[t]
        total = (total & LOW_32) + np.uint64(probabilities[m] * TWO_32)
        drawn[m] = np.uint8(total >> SHIFT_32)


@jit
def _solve_exactly(
    claim: int,
    links: Links,
    prior_marginals: FloatArray,
    intercepts: FloatArray,
    work: JointWorkspace,
    table: FloatArray,
    shares: FloatArray,
) -> bool:
    """Solve for an intercept with the exact joint distribution of the parents, if it can be had."""
    own = slice(links.parent_start[claim], links.parent_start[claim + 1])
    parents, weights = links.link_parents[own], links.weights[own]
    if parents.size <= MAX_JOINT_WIDTH:
        size = 1 << parents.size
        if not parents_joint(claim, links, intercepts, prior_marginals, work, shares[:size]):
            return False
        _tabulate(weights, table)
        intercepts[claim] = _solve(table[:size], shares[:size], prior_marginals[claim], math.nan)
        return True
    if not are_independent(parents, links, work):
        return False
    lowest, rounded, distribution = sum_distribution(weights, prior_marginals[parents])
    if not distribution.size:
        return False
    sums = np.empty(distribution.size, np.float64)
    for c in range(sums.size):
        sums[c] = LATTICE_STEP * (lowest + c)
    intercepts[claim] = _solve(sums, distribution, prior_marginals[claim], math.nan) - rounded
    return True


@jit
def _rake(shares: FloatArray, prior_marginals: FloatArray, parents: IntArray) -> None:
    """Scale the shares of configurations so that each parent has its prior marginal, as far as it varies in them."""
    for _ in range(NUM_RAKES):
        for j in range(parents.size):
            found, wanted = 0.0, prior_marginals[parents[j]]
            for c in range(shares.size):
                found += shares[c] * ((c >> j) & 1)
            if 0.0 < found < 1.0:
                for c in range(shares.size):
                    shares[c] *= wanted / found if (c >> j) & 1 else (1.0 - wanted) / (1.0 - found)


@jit
def _table_error(intercept: float, table: FloatArray, shares: FloatArray, num_parents: int, num_samples: int) -> float:
    """Standard error of P(claim) from raked shares: what a sum of functions of each parent leaves of its variance."""
    mean, least, most = 0.0, 1.0, 0.0
    left = np.empty(table.size, np.float64)
    for c in range(table.size):
        left[c] = _sigmoid(intercept + table[c])
        mean += shares[c] * left[c]
        least, most = min(least, left[c]), max(most, left[c])
    for c in range(table.size):
        left[c] -= mean
    for _ in range(NUM_RAKES):
        for j in range(num_parents):
            true = with_parent = 0.0
            for c in range(table.size):
                true += shares[c] * ((c >> j) & 1)
                with_parent += shares[c] * left[c] * ((c >> j) & 1)
            if 0.0 < true < 1.0:
                for c in range(table.size):
                    left[c] -= with_parent / true if (c >> j) & 1 else -with_parent / (1.0 - true)
    variance = 0.0
    for c in range(table.size):
        variance += shares[c] * left[c] * left[c]
    return math.sqrt(variance / num_samples) + (most - least) / num_samples


@jit
def _correct_target(intercept: float, sums: FloatArray, expected: float, target: float) -> tuple[float, float]:
    """Return the mean to solve for, corrected by the known mean of the sums, and the variance that this leaves."""
    mean = mean_sum = square = square_sum = product = 0.0
    for m in range(sums.size):
        p = _sigmoid(intercept + sums[m])
        mean += p / sums.size
        mean_sum += sums[m] / sums.size
        square += p * p / sums.size
        square_sum += sums[m] * sums[m] / sums.size
        product += p * sums[m] / sums.size
    variance_of_sum = square_sum - mean_sum * mean_sum
    if variance_of_sum <= 0.0:
        return target, 0.0
    slope = (product - mean * mean_sum) / variance_of_sum
    corrected = target + slope * (mean_sum - expected)
    left = square - mean * mean - slope * slope * variance_of_sum
    return min(0.5 * (1.0 + target), max(0.5 * target, corrected)), max(left, 0.0)


@jit
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
    parent_start, link_parents, weights = links.parent_start, links.link_parents, links.weights
    intercepts, slopes, pulls, means, errors = results
    work = make_workspace(parent_start.size - 1 if solve else 0)
    num_samples = 64 * bits.shape[1]
    few = min(NUM_FIRST, num_samples)
    shares_of_all, shares_of_few = np.full(num_samples, 1.0 / num_samples), np.full(few, 1.0 / few)
    configurations, visits = np.empty(num_samples, np.uint16), np.empty(num_samples, np.uint16)
    drawn, sums = np.empty(num_samples, np.uint8), np.empty(num_samples, np.float64)
    table, shares = np.empty(1 << MAX_JOINT_WIDTH, np.float64), np.empty(1 << MAX_JOINT_WIDTH, np.float64)
    counts, thresholds = np.empty(1 << MAX_SOLVED_PARENTS, np.int64), np.empty(1 << MAX_SOLVED_PARENTS, np.uint64)
    num_done = 0
    for i in claims:
        num_done += 1
        begin, end = parent_start[i], parent_start[i + 1]
        num_parents = end - begin
        parents = link_parents[begin:end]
        is_exact = solve == 1 and _solve_exactly(i, links, prior_marginals, intercepts, work, table, shares)
        _visit(streams.keys[i], streams.first, streams.second, visits)
        mean = slope = left = 0.0
        pulls[begin:end] = 0.0
        if num_parents <= MAX_SOLVED_PARENTS:
            size = 1 << num_parents
            _configure(bits, parents, configurations)
            _tabulate(weights[begin:end], table)
            counts[:size] = 0
            for m in range(num_samples):
                counts[configurations[m]] += 1
            if not is_exact:
                for c in range(size):
                    shares[c] = counts[c] / num_samples
            if solve and not is_exact:
                _rake(shares[:size], prior_marginals, parents)
                intercepts[i] = _solve(table[:size], shares[:size], prior_marginals[i], math.nan)
            for c in range(size):
                p = _sigmoid(intercepts[i] + table[c])
                change = shares[c] * p * (1.0 - p)
                mean += shares[c] * p
                slope += change
                for j in range(num_parents):
                    pulls[begin + j] -= change * ((c >> j) & 1)
                thresholds[c] = np.uint64(p * TWO_32)
            if solve and not is_exact:
                errors[i] = _table_error(intercepts[i], table[:size], shares[:size], num_parents, num_samples) / slope
            _start(streams.keys[i], thresholds[:size], counts[:size])
            for t in range(num_samples):
                m = visits[t]
                c = configurations[m]
                total = np.uint64(counts[c]) + thresholds[c]
                counts[c] = np.int64(total & LOW_32)
                drawn[m] = np.uint8(total >> SHIFT_32)
        else:
            _add_up(bits, parents, weights[begin:end], sums)
            if solve and not is_exact:
                # Start from the solution on a subset of the samples, so that few steps need all of them.
                guess = _solve(sums[:few], shares_of_few, prior_marginals[i], math.nan)
                intercepts[i] = _solve(sums, shares_of_all, prior_marginals[i], guess)
                expected = 0.0
                for j in range(num_parents):
                    expected += weights[begin + j] * prior_marginals[parents[j]]
                target, left = _correct_target(intercepts[i], sums, expected, prior_marginals[i])
                intercepts[i] = _solve(sums, shares_of_all, target, intercepts[i])
            least, most = 1.0, 0.0
            for m in range(num_samples):
                p = _sigmoid(intercepts[i] + sums[m])
                mean += p / num_samples
                slope += p * (1.0 - p) / num_samples
                least, most = min(least, p), max(most, p)
                sums[m] = p
            if solve and not is_exact:
                errors[i] = (math.sqrt(left / num_samples) + (most - least) / num_samples) / slope
            for j in range(num_parents):
                words = bits[parents[j]]
                for m in range(num_samples):
                    is_true = float((words[m >> 6] >> (np.uint64(m) & BIT_MASK)) & ONE_64)
                    pulls[begin + j] -= is_true * sums[m] * (1.0 - sums[m]) / num_samples
            _draw_each(streams.keys[i], visits, sums, drawn)
        _pack(drawn, bits[i])
        means[i], slopes[i] = mean, slope
        for j in range(num_parents):
            pulls[begin + j] /= slope
        if solve == 1 and errors[i] > max_error:
            break
    return num_done


@jit
def add_weights(claims: IntArray, bits: KeyArray, weights: FloatArray, totals: FloatArray) -> None:
    """Write the total weight of the samples in which each claim is true; bits of one replicate, shape (n, words)."""
    # The weights of each byte's samples are added up for each of its 256 values, and then looked up.
    num_bytes = weights.size // 8
    sums = np.zeros((num_bytes, 256), np.float64)
    for place in range(num_bytes):
        for bit in range(8):
            for c in range(1 << bit):
                sums[place, c + (1 << bit)] = sums[place, c] + weights[8 * place + bit]
    # A word's tables stay in the first cache, and the sums of different claims do not wait for each other.
    totals[:] = 0.0
    for w in range(bits.shape[1]):
        own = sums[8 * w : 8 * w + 8]
        for number in range(claims.size):
            word = bits[claims[number], w]
            total = totals[number]
            for byte in range(8):
                total += own[byte, np.int64(word & LOW_8)]
                word >>= SHIFT_8
            totals[number] = total


@jit
def add_coefficients(claims: IntArray, bits: KeyArray, coefficients: FloatArray, totals: FloatArray) -> None:
    """Add each claim's coefficient to the totals of the samples in which it is true; bits of one replicate."""
    # Four claims at a time, so that totals are loaded and stored a quarter as often.
    whole = claims.size - claims.size % 4
    for first in range(0, whole, 4):
        a, b, c, d = bits[claims[first]], bits[claims[first + 1]], bits[claims[first + 2]], bits[claims[first + 3]]
        of_a, of_b, of_c, of_d = coefficients[first : first + 4]
        for w in range(bits.shape[1]):
            word_a, word_b, word_c, word_d = a[w], b[w], c[w], d[w]
            own = totals[64 * w : 64 * w + 64]
            for bit in range(64):
                place = np.uint64(bit)
                total = own[bit] + (of_a if (word_a >> place) & np.uint64(1) else 0.0)
                total += of_b if (word_b >> place) & np.uint64(1) else 0.0
                total += of_c if (word_c >> place) & np.uint64(1) else 0.0
                own[bit] = total + (of_d if (word_d >> place) & np.uint64(1) else 0.0)
    for number in range(whole, claims.size):
        words, coefficient = bits[claims[number]], coefficients[number]
        for w in range(words.size):
            word = words[w]
            own = totals[64 * w : 64 * w + 64]
            for bit in range(64):
                own[bit] += coefficient if (word >> np.uint64(bit)) & np.uint64(1) else 0.0


@jit
def add_changes(words: KeyArray, strata: ByteArray, changes: FloatArray, totals: FloatArray) -> None:
    """Add the change of each sample's stratum to its total where a claim is true; bits of the claim, shape (words,)."""
    for w in range(words.size):
        word = words[w]
        own, places = totals[64 * w : 64 * w + 64], strata[64 * w : 64 * w + 64]
        for bit in range(64):
            own[bit] += changes[places[bit]] if (word >> np.uint64(bit)) & np.uint64(1) else 0.0


@jit
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
    num_samples = states.shape[1]
    visits, probabilities = np.empty(num_samples, np.uint16), np.empty(num_samples, np.float64)
    counts = np.empty(1 << MAX_NARROW_PARENTS, np.int64)
    for i in claims:
        begin, end = parent_start[i], parent_start[i + 1]
        num_parents = end - begin
        row = states[i]
        wide = tables.wide_rows[i]
        if wide < 0:
            row[:] = 0
            for j in range(num_parents):
                parent = states[link_parents[begin + j]]
                for m in range(num_samples):
                    row[m] |= (parent[m] & np.uint8(1)) << np.uint8(j + 1)
        else:
            sums = log_odds[wide]
            sums[:] = intercepts[i]
            for j in range(num_parents):
                parent = states[link_parents[begin + j]]
                weight = weights[begin + j]
                for m in range(num_samples):
                    sums[m] += weight * float(parent[m] & np.uint8(1))
            row[:] = 0
        if observed[i] >= 0:
            for m in range(num_samples):
                row[m] |= np.uint8(observed[i])
            continue
        _visit(streams.keys[i], streams.first, streams.second, visits)
        if wide < 0:
            size = 1 << num_parents
            own = tables.thresholds[tables.start[i] : tables.start[i] + size]
            counts[:size] = 0
            for m in range(num_samples):
                counts[row[m] >> np.uint8(1)] += 1
            _start(streams.keys[i], own, counts[:size])
            for t in range(num_samples):
                m = visits[t]
                c = row[m] >> np.uint8(1)
                total = np.uint64(counts[c]) + own[c]
                counts[c] = np.int64(total & LOW_32)
                row[m] |= np.uint8(total >> SHIFT_32)
        else:
            for m in range(num_samples):
                probabilities[m] = _sigmoid(log_odds[wide, m] + proposal[i])
            _draw_each(streams.keys[i], visits, probabilities, row)


@jit
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
    num_samples = states.shape[1]
    for i in claims:
        row = states[i]
        wide = wide_rows[i]
        if wide < 0:
            own = tables.log_weights[2 * start[i] :]
            for m in range(num_samples):
                log_weights[m] += own[row[m]]
        elif observed[i] >= 0:
            sign = 1.0 if observed[i] == 0 else -1.0
            for m in range(num_samples):
                log_weights[m] -= _softplus(sign * log_odds[wide, m])
            if llr[i] != 0.0:
                for m in range(num_samples):
                    log_weights[m] += _softplus(log_odds[wide, m] + llr[i])
        else:
            gain = proposal[i] - llr[i]
            for m in range(num_samples):
                z = log_odds[wide, m]
                log_weights[m] += _softplus(z + proposal[i]) - _softplus(z) - gain * float(row[m] & np.uint8(1))


@jit
def interpolate(grid: FloatArray, x: float) -> float:
    """Interpolate by cubic Hermite splines, linearly outside; the grid holds values and slopes times the step."""
    position = (x + GRID_LIMIT) * GRID_STEPS
    last = grid.shape[0] - 1
    if position <= 0.0:
        return grid[0, 0] + position * grid[0, 1]
    if position >= last:
        return grid[last, 0] + (position - last) * grid[last, 1]
    k = int(position)
    t = position - k
    v0, s0, v1, s1 = grid[k, 0], grid[k, 1], grid[k + 1, 0], grid[k + 1, 1]
    d = v1 - v0
    return v0 + t * (s0 + t * (3.0 * d - 2.0 * s0 - s1 + t * (s0 + s1 - 2.0 * d)))


@jit
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
    sums = np.empty(num_samples, np.float64)
    flips = np.empty(num_samples, np.uint8)
    effects = np.empty(1 << (MAX_NARROW_PARENTS + 1), np.float64)
    for i in claims:
        if observed[i] >= 0:
            continue
        row = states[i]
        own = proposal[i] - beta * (proposal[i] - llr[i])
        if wide_rows[i] < 0:
            begin = start[i]
            for m in range(num_samples):
                sums[m] = own + table[begin + (row[m] >> np.uint8(1))]
        else:
            for m in range(num_samples):
                sums[m] = own + log_odds[wide_rows[i], m]
        for k in range(child_start[i], child_start[i + 1]):
            link = child_links[k]
            c = link_children[link]
            weight = weights[link]
            gain = weight if observed[c] < 0 else beta * weight
            child = states[c]
            wide = wide_rows[c]
            if wide < 0:
                j = link - parent_start[c]
                begin = start[c]
                for full in range(1 << (parent_start[c + 1] - parent_start[c] + 1)):
                    with_i = (full >> 1) | (1 << j)
                    without = with_i ^ (1 << j)
                    effects[full] = gain * (full & 1) - (potentials[begin + with_i] - potentials[begin + without])
                for m in range(num_samples):
                    sums[m] += effects[child[m]]
            else:
                grid = grids[wide]
                for m in range(num_samples):
                    without_i = log_odds[wide, m] - weight * float(row[m] & np.uint8(1))
                    sums[m] += gain * float(child[m] & np.uint8(1)) - (
                        interpolate(grid, without_i + weight) - interpolate(grid, without_i)
                    )
        stream, total = keys[i], 0.0
        for m in range(num_samples):
            p = _sigmoid(sums[m])
            total += p
            drawn = np.uint8(_uniform(stream, m) < p)
            flips[m] = drawn ^ (row[m] & np.uint8(1))
            row[m] ^= flips[m]
        means[i] += total / num_samples
        for k in range(child_start[i], child_start[i + 1]):
            link = child_links[k]
            c = link_children[link]
            if wide_rows[c] < 0:
                child = states[c]
                shift = np.uint8(link - parent_start[c] + 1)
                for m in range(num_samples):
                    child[m] ^= flips[m] << shift
            else:
                weight = weights[link]
                for m in range(num_samples):
                    if flips[m]:
                        log_odds[wide_rows[c], m] += weight if row[m] & np.uint8(1) else -weight


@jit
def _expect_table(
    table: FloatArray, incoming: FloatArray, products: FloatArray, if_true: FloatArray, if_false: FloatArray
) -> float:
    """Compute P(child), also given each parent true or false, from a full table and independent parents."""
    num_parents = incoming.size
    products[0] = 1.0
    size = 1
    for j in range(num_parents):
        p = incoming[j]
        for c in range(size):
            products[c + size] = products[c] * p
            products[c] *= 1.0 - p
        size *= 2
    for c in range(size):
        products[c] *= table[c]
    for j in range(num_parents - 1, -1, -1):
        size //= 2
        low = high = 0.0
        for c in range(size):
            low += products[c]
            high += products[c + size]
            products[c] += products[c + size]
        if_false[j] = low / (1.0 - incoming[j])
        if_true[j] = high / incoming[j]
    return products[0]


@jit
def _expect_normal(mean: float, variance: float, nodes: FloatArray, node_weights: FloatArray) -> float:
    """Compute the mean of sigmoid(z) for normal z by Gauss-Hermite quadrature."""
    spread = math.sqrt(2.0 * max(variance, 0.0))
    total = 0.0
    for g in range(nodes.size):
        total += node_weights[g] * _sigmoid(mean + spread * nodes[g])
    return total


@jit
def _expect_moments(
    intercept: float,
    weights: FloatArray,
    incoming: FloatArray,
    nodes: FloatArray,
    node_weights: FloatArray,
    if_true: FloatArray,
    if_false: FloatArray,
) -> float:
    """Compute the same from mean and variance of the weighted sum of parents, leaving out each parent in turn."""
    mean, variance = intercept, 0.0
    for j in range(weights.size):
        mean += weights[j] * incoming[j]
        variance += weights[j] ** 2 * incoming[j] * (1.0 - incoming[j])
    for j in range(weights.size):
        rest = mean - weights[j] * incoming[j]
        spread = variance - weights[j] ** 2 * incoming[j] * (1.0 - incoming[j])
        if_true[j] = _expect_normal(rest + weights[j], spread, nodes, node_weights)
        if_false[j] = _expect_normal(rest, spread, nodes, node_weights)
    return _expect_normal(mean, variance, nodes, node_weights)


@jit
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
    products = np.empty(1 << MAX_TABLE_PARENTS, np.float64)
    largest = 0
    for i in claims:
        largest = max(largest, parent_start[i + 1] - parent_start[i])
    incoming_all = np.empty(largest, np.float64)
    for i in claims:
        begin, end = parent_start[i], parent_start[i + 1]
        num_parents = end - begin
        # Most claims converge long before the last ones.
        is_changed = num_parents == 0
        for link in range(begin, end):
            s = link_parents[link]
            message = _limited(beliefs[s] if observed[s] >= 0 else beliefs[s] - upward[link])
            is_changed |= not abs(message - downward[link]) <= MIN_MESSAGE_CHANGE
        if is_changed:
            incoming = incoming_all[:num_parents]
            for j in range(num_parents):
                s = link_parents[begin + j]
                downward[begin + j] = _limited(beliefs[s] if observed[s] >= 0 else beliefs[s] - upward[begin + j])
                incoming[j] = _sigmoid(downward[begin + j])
            if num_parents <= MAX_TABLE_PARENTS:
                own = tables.probabilities[tables.start[i] :]
                p = _expect_table(own, incoming, products, if_true[begin:end], if_false[begin:end])
            else:
                p = _expect_moments(
                    tables.intercepts[i],
                    weights[begin:end],
                    incoming,
                    tables.nodes,
                    tables.node_weights,
                    if_true[begin:end],
                    if_false[begin:end],
                )
            priors[i] = _limited(math.log(p) - math.log1p(-p))
        if observed[i] >= 0:
            beliefs[i] = MAX_LOG_ODDS if observed[i] == 1 else -MAX_LOG_ODDS
        else:
            total = priors[i] + llr[i]
            for k in range(child_start[i], child_start[i + 1]):
                total += upward[child_links[k]]
            # Not clipped here: a hub's sum may be large, and each child's message is still to be subtracted from it.
            beliefs[i] = total


@jit
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
    residual = 0.0
    changes = np.zeros(parent_start.size - 1, np.float64)
    for n in range(claims.size - 1, -1, -1):
        i = claims[n]
        # All its children have sent their messages.
        residual = max(residual, abs(changes[i]))
        if observed[i] >= 0:
            below = MAX_LOG_ODDS if observed[i] == 1 else -MAX_LOG_ODDS
        else:
            below = llr[i]
            for k in range(child_start[i], child_start[i + 1]):
                below += upward[child_links[k]]
            below = _limited(below)
        likely = math.exp(min(below, 0.0))
        unlikely = math.exp(min(-below, 0.0))
        for link in range(parent_start[i], parent_start[i + 1]):
            with_parent = likely * if_true[link] + unlikely * (1.0 - if_true[link])
            without = likely * if_false[link] + unlikely * (1.0 - if_false[link])
            message = _limited(math.log(with_parent) - math.log(without))
            change = message - upward[link]
            residual = max(residual, abs(change))
            changes[link_parents[link]] += change
            upward[link] = damping * upward[link] + (1.0 - damping) * message
    return residual
