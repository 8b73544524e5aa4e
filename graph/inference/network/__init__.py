"""
The forecast graph as a Bayesian network: how evidence on one claim moves all the others.

    structure      the claims and their influences as arrays; ancestors; parts of it
    intercepts     calibration: intercepts that give each claim its reference belief
    evidence       what is known of each claim; observing and intervening
    lbp            LBP, loopy belief propagation: deterministic, milliseconds, approximate
    bank           SAMPLE, a bank of joint samples guided by LBP: unbiased, with standard errors
    exact          EXACT, a junction tree, where the relevant part is small enough
    shifts         what if these claims resolved?
    information    which claim is worth learning?
    sensitivity    which stated number matters?
    incoherence    which tables contradict each other?
    warming        load the compiled kernels before anybody waits

The model: P(c = 1 | parents x) = sigmoid(intercept_c + sum of weight_sc x_s), with weight = logit(p_if_true) -
logit(p_if_false), so that the tables of several parents add up in log-odds.
"""
