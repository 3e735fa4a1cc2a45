SET tls=if-offered
S: +OK ready
C: CAPA
S: +OK
S: STLS
S: USER
S: .
C: STLS
S: -ERR [SYS/PERM] no certificate
CLOSED
RESULT
C: end: refuse the server says: no certificate
