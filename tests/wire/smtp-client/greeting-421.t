MESSAGE from=a@b.example to=c@d.example
TEXT x
S: 421 4.3.2 later
CLOSED
RESULT
C: message: outcome=2 code=421 status=4.3.2 text=later
C: c@d.example: outcome=2 code=421 status=4.3.2 text=later
C: session: outcome=2 code=421 status=4.3.2 text=later at=greeting
