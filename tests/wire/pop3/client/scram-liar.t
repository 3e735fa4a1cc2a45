# A server that says +OK without having proved that it knows the password; and one that does not continue our nonce.
S: +OK ready
C: CAPA
S: +OK
S: SASL SCRAM-SHA-256
S: .
C: AUTH SCRAM-SHA-256 ...
S: + cj14LHM9YWJjZCxpPTQwOTY=
C: *
S: -ERR cancelled
CLOSED
RESULT
C: end: refuse the server did not prove that it knows the password
