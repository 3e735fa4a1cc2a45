# The final dot is out and no reply comes: tried again later. 4.5.3.2.6: ten minutes.
MESSAGE from=a@b.example to=c@d.example
TEXT A: b\r\n
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
C: .
WAIT 599999
WAIT 1
CLOSED
RESULT
C: message: outcome=2 code=0 status=4.4.2 text=The server did not answer in time
C: c@d.example: outcome=2 code=0 status=4.4.2 text=The server did not answer in time
C: session: outcome=2 code=0 status=4.4.2 text=The server did not answer in time at=end of data
