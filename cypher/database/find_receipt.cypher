// What was answered under a key; no row where nothing was. $key: the receipt's key.
MATCH (receipt:Receipt {key: $key})
RETURN receipt.mutation AS mutation, receipt.fingerprint AS fingerprint, receipt.answer AS answer
