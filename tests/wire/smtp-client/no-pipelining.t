# Without PIPELINING each command waits; a refused MAIL ends the transaction; the next message goes over the same connection.
MESSAGE from=a@b.example to=c@d.example
TEXT A: b\r\n\r\nx\r\n
MESSAGE from= to=c@d.example,e@d.example
TEXT A: b\r\n\r\ny\r\n
S: 220 old.example
C: EHLO me.test
S: 500 what?
C: HELO me.test
S: 250 old.example
C: MAIL FROM:<a@b.example>
S: 451 not now
C: MAIL FROM:<>
S: 250 ok
C: RCPT TO:<c@d.example>
S: 550 no
C: RCPT TO:<e@d.example>
S: 250 yes
C: DATA
S: 354 go
C: A: b
C: 
C: y
C: .
S: 250 ok
C: QUIT
S: 221 bye
CLOSED
RESULT
C: message: outcome=2 code=451 status= text=not now
C: c@d.example: outcome=2 code=451 status= text=not now
C: message: outcome=1 code=250 status= text=ok
C: c@d.example: outcome=3 code=550 status= text=no
C: e@d.example: outcome=1 code=250 status= text=ok
C: session: outcome=0
