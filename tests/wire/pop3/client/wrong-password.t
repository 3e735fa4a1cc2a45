S: +OK ready
C: CAPA
S: +OK
S: SASL CRAM-MD5 PLAIN
S: .
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==
S: -ERR [AUTH] wrong \x1b[31mpassword
CLOSED
RESULT
C: end: refuse the server says: wrong ...password
