SET needs-tls=0
SET auth=retry
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
S: +OK ...
C: PASS secret pass
S: -ERR [SYS/TEMP] Logging in is not possible now
C: QUIT
S: +OK Goodbye
CLOSED
