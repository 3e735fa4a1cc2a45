# RFC 1939 3: after ten minutes without a command the session ends without a word and without UPDATE.
SET needs-tls=0
MESSAGE Subject: a\r\n\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: DELE 1
S: +OK ...
S: +OK 1 messages (14 octets)
S: +OK ...
WAIT 599000
C: NOOP
S: +OK ...
WAIT 599999
C~ NO
WAIT 1
CLOSED
RESULT
