# Somebody took STLS out of the list: no password in the clear.
SET tls=need
S: +OK ready
C: CAPA
S: +OK
S: USER
S: SASL PLAIN
S: .
CLOSED
RESULT
C: end: refuse the server offers no TLS; the password was not sent
