MESSAGE from=a@b.example to=c@d.example
TEXT A: b\r\n
S: 220 x
C: EHLO me.test
S: 250 x
C: MAIL FROM:<a@b.example>
S: 421 4.4.2 too slow
CLOSED
RESULT
C: message: outcome=2 code=421 status=4.4.2 text=too slow
C: c@d.example: outcome=2 code=421 status=4.4.2 text=too slow
C: session: outcome=2 code=421 status=4.4.2 text=too slow at=MAIL
