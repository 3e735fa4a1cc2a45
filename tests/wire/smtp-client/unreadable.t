# The message cannot be read to its end: no final dot, the connection is broken off.
MESSAGE from=a@b.example to=c@d.example
TEXT A: b\r\n
BROKEN
S: 220 x
C: EHLO me.test
S: 250 x
C: MAIL FROM:<a@b.example>
S: 250 ok
C: RCPT TO:<c@d.example>
S: 250 ok
C: DATA
S: 354 ok
C: A: b
CLOSED
RESULT
C: message: outcome=2 code=0 status=4.3.0 text=The message could not be read to its end; the transfer was broken off
C: c@d.example: outcome=2 code=0 status=4.3.0 text=The message could not be read to its end; the transfer was broken off
C: session: outcome=2 code=0 status=4.3.0 ... at=message
