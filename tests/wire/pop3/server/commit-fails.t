# RFC 1939 6: the client learns that messages were not removed.
SET needs-tls=0
SET commit=retry
MESSAGE Subject: a\r\n\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: DELE 1
C: QUIT
S: +OK ...
S: +OK 1 messages (14 octets)
S: +OK ...
S: -ERR [SYS/TEMP] The messages marked as deleted were not removed
CLOSED
