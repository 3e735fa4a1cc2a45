# The peer's promise counts after STARTTLS only, and without it nothing but a notification is sent.
SET tls=required
MESSAGE from=a@b.example to=bob@d.example requiretls=1
TEXT x
MESSAGE from= to=bob@d.example requiretls=1
TEXT x
S: 220 x
C: EHLO me.test
S: 250-x
S: 250-REQUIRETLS
S: 250 STARTTLS
C: STARTTLS
S: 220 go
TLS
C: EHLO me.test
S: 250 x
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
C: message: outcome=3 code=0 status=5.7.30 text=REQUIRETLS support required: the receiving server does not offer it
C: bob@...
C: message: outcome=1 code=250 status= text=ok
C: bob@...
C: session: outcome=0
