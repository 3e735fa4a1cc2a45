# "=": an initial response that is there and empty (RFC 5034 4); PLAIN cannot be empty.
SET needs-tls=0
S: +OK mail.demo.test POP3 ready
C: AUTH PLAIN =
WAIT 1000
S: -ERR [AUTH] The user name or the password is wrong
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQgcGFzcw== more
S: -ERR Write AUTH mechanism [initial-response]
END
CLOSED
