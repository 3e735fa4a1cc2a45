# The maildrop does not open: the session stays where it was and may try again.
SET needs-tls=0
SET open=refuse
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
S: +OK ...
C: PASS secret pass
S: -ERR [SYS/PERM] The maildrop cannot be opened
C: STAT
S: -ERR Log in first
C: QUIT
S: +OK Goodbye
CLOSED
