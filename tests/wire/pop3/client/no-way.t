S: +OK ready
C: CAPA
S: +OK
S: SASL GSSAPI
S: .
CLOSED
RESULT
C: end: refuse the server offers no way to log in that this program knows
