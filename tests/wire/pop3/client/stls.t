# STLS, then the capabilities anew: what was said in the clear is forgotten. Answers that came along with STLS's are thrown away.
SET tls=need
SET utf8
S: +OK ready
C: CAPA
S: +OK
S: STLS
S: SASL LOGIN
S: UTF8
S: .
C: STLS
S: +OK go
TLS
C: CAPA
S: +OK
S: USER
S: UTF8 USER
S: .
C: UTF8
S: +OK
C: USER alice@demo.test
S: +OK
C: PASS secret pass
S: -ERR [IN-USE] another one
CLOSED
RESULT
C: end: retry the server says: another one
