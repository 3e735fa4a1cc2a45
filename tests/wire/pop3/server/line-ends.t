# What is stored with bare CR or LF leaves with CRLF; a message without a last line end gets one; dots are stuffed in pieces of one octet as well.
SET needs-tls=0
SET piece=1
MESSAGE A: b\n\n.x\r.y\n\n.\r\r\nz
MESSAGE no header at all
MESSAGE 
MESSAGE A: b\r\n\r\n.\r\n\r\n\r\n.\r\n
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
C: PASS secret pass
C: RETR 1
C: RETR 2
C: RETR 3
C: RETR 4
C: TOP 4 1
C: TOP 2 0
S: +OK ...
S: +OK 4 messages ...
S: +OK 18 octets
S: A: b
S: 
S: ..x
S: ..y
S: 
S: ..
S: 
S: z
S: .
S: +OK 16 octets
S: no header at all
S: .
S: +OK 0 octets
S: .
S: +OK 18 octets
S: A: b
S: 
S: ..
S: 
S: 
S: ..
S: .
S: +OK 18 octets
S: A: b
S: 
S: ..
S: .
S: +OK 16 octets
S: no header at all
S: .
END
CLOSED
