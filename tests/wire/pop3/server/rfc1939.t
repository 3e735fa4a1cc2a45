# The dialogue of RFC 1939 section 10, without APOP.
SET needs-tls=0
MESSAGE Subject: first\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n
MESSAGE Subject: second\r\n\r\n.leading dot\r\n..two\r\n.\r\nend\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
S: +OK ...
C: PASS secret pass
S: +OK 2 messages (... octets)
C: STAT
S: +OK 2 168
C: LIST
S: +OK 2 messages (168 octets)
S: 1 120
S: 2 48
S: .
C: RETR 1
S: +OK 120 octets
S: Subject: first
S: 
S: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789
S: .
C: DELE 1
S: +OK ...
C: RETR 2
S: +OK 48 octets
S: Subject: second
S: 
S: ..leading dot
S: ...two
S: ..
S: end
S: .
C: DELE 2
S: +OK ...
C: QUIT
S: +OK Goodbye, 2 deleted
CLOSED
RESULT
S: commit 7 9
