# RFC 3030: a binary message in chunks; the last one says so.
MESSAGE from=a@b.example to=c@d.example,e@d.example body=binary
TEXT A: b\r\n\r\n\0\n.\r\xff
S: 220 x
C: EHLO me.test
S: 250-x
S: 250-PIPELINING
S: 250-CHUNKING
S: 250 BINARYMIME
C: MAIL FROM:<a@b.example> BODY=BINARYMIME
C: RCPT TO:<c@d.example>
C: RCPT TO:<e@d.example>
S: 250 ok
S: 250 ok
S: 550 no
C: BDAT 13 LAST
C: A: b
C: 
C* ...
S: 250 ok
C* ...QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=1 code=250 status= text=ok
C: c@d.example: outcome=1 code=250 status= text=ok
C: e@d.example: outcome=3 code=550 status= text=no
C: session: outcome=0
