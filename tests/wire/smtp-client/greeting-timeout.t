# RFC 5321 4.5.3.2.1: five minutes.
MESSAGE from=a@b.example to=c@d.example
TEXT x
WAIT 299999
S~ 220 slow
WAIT 1
CLOSED
RESULT
C: message: outcome=2 code=0 status=4.4.2 text=The server did not answer in time
C: c@d.example: outcome=2 code=0 status=4.4.2 text=The server did not answer in time
C: session: outcome=2 code=0 status=4.4.2 text=The server did not answer in time at=greeting
