MESSAGE from=a@b.example to=c@d.example
TEXT x
S: 554-5.7.1 not you
S: 554 5.7.1 go away
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=3 code=554 status=5.7.1 text=not you go away
C: c@d.example: outcome=3 code=554 status=5.7.1 text=not you go away
C: session: outcome=3 code=554 status=5.7.1 text=not you go away at=greeting
