SET tls=opportunistic
MESSAGE from=a@b.example to=c@d.example
TEXT A: b\r\n
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 STARTTLS
C: STARTTLS
S: 454 4.7.0 no
C: EHLO me.test
S: 250-x
S: 250 STARTTLS
C: MAIL FROM:<a@b.example>
S: 250 ok
C: RCPT TO:<c@d.example>
S: 250 ok
C: DATA
S: 354 ok
C: A: b
C: .
S: 250 ok
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=1 code=250 status= text=ok
C: c@d.example: outcome=1 code=250 status= text=ok
C: session: outcome=0
