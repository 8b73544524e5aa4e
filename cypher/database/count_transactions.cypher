// The transactions that are open on the server, this one included, and for how many seconds the oldest of them has been.
SHOW TRANSACTIONS YIELD elapsedTime
RETURN count(*) AS num_transactions,
  coalesce(max(elapsedTime.milliseconds), 0) / 1e3 AS oldest_transaction_seconds
