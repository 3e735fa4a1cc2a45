SET tls=required
MESSAGE from=a@b.example to=c@d.example
TEXT x
S: 220 x
C: EHLO me.test
S: 250 x
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=2 code=0 status=4.7.4 text=The server does not offer STARTTLS, which is required
C: c@d.example: outcome=2 code=0 status=4.7.4 text=The server does not offer STARTTLS, which is required
C: session: outcome=2 code=0 status=4.7.4 text=The server does not offer STARTTLS, which is required at=STARTTLS
