# RFC 2920 3.1: all recipients refused, DATA all the same answered 354: a lone dot. And DATA refused: RSET.
MESSAGE from=a@b.example to=c@d.example
TEXT secret
MESSAGE from=a@b.example to=c@d.example
TEXT secret
MESSAGE from=a@b.example to=c@d.example
TEXT secret
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 PIPELINING
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: DATA
S: 250 ok
S: 550 5.7.1 no
S: 354 go
C: .
S: 554 no valid recipients
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: DATA
S: 250 ok
S: 450 4.2.0 later
S: 554 5.5.1 no valid recipients
C: RSET
S: 250 ok
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: DATA
S: 250 ok
S: 250 ok
S: 451 4.3.0 disk
C: RSET
S: 250 ok
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=3 code=550 status=5.7.1 text=no
C: c@d.example: outcome=3 code=550 status=5.7.1 text=no
C: message: outcome=2 code=450 status=4.2.0 text=later
C: c@d.example: outcome=2 code=450 status=4.2.0 text=later
C: message: outcome=2 code=451 status=4.3.0 text=disk
C: c@d.example: outcome=2 code=451 status=4.3.0 text=disk
C: session: outcome=0
