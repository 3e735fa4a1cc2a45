# Before the first octet a message that cannot be read is an answer; behind it the session ends, so that half a message does not look whole.
SET needs-tls=0
SET read-fails-at=0
MESSAGE Subject: a\r\n\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: RETR 1
C: NOOP
S: +OK ...
S: +OK 1 messages (14 octets)
S: -ERR [SYS/TEMP] The message cannot be read
S: +OK Still here
SET read-fails-at=12
SET piece=12
C: RETR 1
S: +OK 14 octets
S: Subject: a
CLOSED
