# STLS: nothing of the clear part survives; logins only behind it.
MESSAGE Subject: a\r\n\r\nx\r\n
S: +OK mail.demo.test POP3 ready
C: CAPA
S: +OK ...
S: TOP
S: UIDL
S: PIPELINING
S: RESP-CODES
S: AUTH-RESP-CODE
S: STLS
S: EXPIRE NEVER
S: UTF8 USER
S: LANG
S: IMPLEMENTATION Penny-Post
S: .
C: USER alice@demo.test
S: -ERR Logging in needs TLS here; send STLS first
C: PASS secret pass
S: -ERR Logging in needs TLS here; send STLS first
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==
S: -ERR Logging in needs TLS here; send STLS first
C: STLS
S: +OK Begin TLS
TLS
C: PASS secret pass
S: -ERR Send USER first
C: CAPA
S* SASL SCRAM-SHA-256 PLAIN LOGIN
S: EXPIRE NEVER
S: UTF8 USER
S: LANG
S: IMPLEMENTATION Penny-Post
S: .
C: STLS
S: -ERR TLS is active already
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw==
S: +OK 1 messages (17 octets)
C: QUIT
S: +OK Goodbye, 0 deleted
CLOSED
RESULT
S: commit
