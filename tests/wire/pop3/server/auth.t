# RFC 5034: initial response, "=", cancelling, broken base64, LOGIN, no mechanism.
SET needs-tls=0
S: +OK mail.demo.test POP3 ready
C: AUTH
S: +OK
S: SCRAM-SHA-256
S: PLAIN
S: LOGIN
S: .
C: AUTH PLAIN
S: + 
C: *
S: -ERR Login cancelled
C: AUTH PLAIN
S: + 
C: AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw=
S: -ERR That is not base64
C: AUTH CRAM-MD5
S: -ERR That mechanism is not offered
C: AUTH SCRAM-SHA-1
S: -ERR That mechanism is not offered
C: AUTH LOGIN
S: + VXNlcm5hbWU6
C: YWxpY2VAZGVtby50ZXN0
S: + UGFzc3dvcmQ6
C: c2VjcmV0IHBhc3M=
S: +OK 0 messages (0 octets)
C: AUTH PLAIN
S: -ERR You are logged in already
C: QUIT
S: +OK Goodbye, 0 deleted
CLOSED
