# A server that stops lets go at the next command; nothing is deleted.
SET needs-tls=0
MESSAGE Subject: a\r\n\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: DELE 1
S: +OK ...
S: +OK 1 messages (14 octets)
S: +OK ...
STOP
S: -ERR [SYS/TEMP] The server is being stopped, try again later; nothing was deleted
CLOSED
RESULT
