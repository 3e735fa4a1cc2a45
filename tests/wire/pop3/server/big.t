# Lists and messages larger than any buffer.
SET needs-tls=0
SET ignore-room=1
BIG 40000
MESSAGE Subject: b\r\n\r\nx\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: RETR 1
C: RETR 2
S: +OK ...
S: +OK 2 messages ...
S: +OK ... octets
S: Subject: big
S: 
S: ..line 0 of a long message
S: line 1 of a long message
S* ..line 1200 of a long message
S* .
S: +OK 17 octets
S: Subject: b
S: 
S: x
S: .
END
CLOSED
