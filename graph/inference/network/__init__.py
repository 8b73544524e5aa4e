"""
The forecast graph as a Bayesian network: propagates evidence on one claim to all others.

    structure      the claims and their influences as arrays; ancestors; parts of it
    intercepts     calibration: intercepts that give each claim its prior marginal
    joints         the exact joint distribution of a claim's parents, where calibration can have it
    evidence       likelihoods and outcomes of claims; observing and intervening
    lbp            LBP, loopy belief propagation: deterministic, milliseconds, approximate
    bank           SAMPLE, a bank of joint samples whose proposal is LBP: unbiased, with standard errors
    exact          EXACT, a junction tree, where the relevant part is small enough
    auto           AUTO: each part of the network by the best of the three that fits
    uncertainty    errors that a method does not see: the calibration's, and LBP's on loops
    separation     which claims are independent of which, given what is known
    replicates     standard errors of independent replicates, and whether they agree
    shifts         marginals if some claims resolved, by each method
    information    value of information: expected reduction of entropy
    sensitivity    derivatives of a marginal by the stated numbers
    incoherence    conditional tables that contradict each other
    kernels        the loops, compiled by numba or in NumPy; arrays declares their arguments
    elementary     sigmoid, softplus and tables of configurations
    warming        loads the kernels in advance

The model: P(c = 1 | parents x) = sigmoid(intercept_c + sum of weight_sc x_s), with weight = logit(p_if_true) -
logit(p_if_false), so that the tables of several parents add up in log-odds.
"""
