# The password is not sent in the clear.
SET user=alice@demo.test password=secret
MESSAGE from=alice@demo.test to=c@d.example
TEXT x
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 AUTH PLAIN
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=3 code=0 status=5.7.8 text=The password is not sent without TLS, which the server does not offer
C: c@d.example: outcome=3 code=0 status=5.7.8 text=The password is not sent without TLS, which the server does not offer
C: session: outcome=3 code=0 status=5.7.8 text=The password is not sent without TLS, which the server does not offer at=AUTH
