# RFC 2033: one reply for each recipient that was accepted.
SET lmtp=1
MESSAGE from=a@b.example to=c@d.example,x@d.example,e@d.example,f@d.example
TEXT A: b\r\n
S: 220 x
C: LHLO me.test
S: 250-x
S: 250 PIPELINING
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: RCPT TO:<x@d.example>
C: RCPT TO:<e@d.example>
C: RCPT TO:<f@d.example>
C: DATA
S: 250 ok
S: 250 ok
S: 550 5.1.1 no
S: 250 ok
S: 250 ok
S: 354 go
C: A: b
C: .
S: 250 2.1.5 c ok
S: 452 4.2.2 e is full
S: 550 5.2.1 f is closed
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=1 code=250 status=2.1.5 text=c ok
C: c@d.example: outcome=1 code=250 status=2.1.5 text=c ok
C: x@d.example: outcome=3 code=550 status=5.1.1 text=no
C: e@d.example: outcome=2 code=452 status=4.2.2 text=e is full
C: f@d.example: outcome=3 code=550 status=5.2.1 text=f is closed
C: session: outcome=0
