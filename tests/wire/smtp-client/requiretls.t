# RFC 8689 4.2.1, 5: only over TLS to a server that offers REQUIRETLS; a notification goes all the same.
SET tls=required
MESSAGE from=a@b.example to=bob@d.example requiretls=1
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
S: 250-x
S: 250 requiretls
C: MAIL FROM:<a@b.example> REQUIRETLS
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
C: message: outcome=1 code=250 status= text=ok
C: bob@d.example: outcome=1 code=250 status= text=ok
C: session: outcome=0
