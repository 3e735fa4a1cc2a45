# Without TLS the keyword means nothing.
MESSAGE from=a@b.example to=bob@d.example requiretls=1
TEXT x
MESSAGE from= to=bob@d.example requiretls=1
TEXT x
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 REQUIRETLS
C: MAIL FROM:<>
S: 250 ok
C: RCPT TO:<bob@d.example>
S: 250 ok
C: DATA
S: 354 ok
C: x
C: .
S: 250 ok
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=3 code=0 status=5.7.10 text=The sender requires TLS, and there is none to the receiving server
C: bob@...
C: message: outcome=1 code=250 status= text=ok
C: bob@...
C: session: outcome=0
