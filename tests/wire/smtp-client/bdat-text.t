# Text in chunks: line ends put right, no dots doubled. Nobody accepted: no chunk, RSET.
SET chunking=1
MESSAGE from=a@b.example to=c@d.example
TEXT .a\nb\rc
MESSAGE from=a@b.example to=c@d.example
TEXT x
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 CHUNKING
C: MAIL FROM:<a@b.example>
S: 250 ok
C: RCPT TO:<c@d.example>
S: 250 ok
C: BDAT 10 LAST
C: .a
C: b
C: c
S: 452 4.3.1 full
C: MAIL FROM:<a@b.example>
S: 250 ok
C: RCPT TO:<c@d.example>
S: 550 no
C: RSET
S: 250 ok
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=2 code=452 status=4.3.1 text=full
C: c@d.example: outcome=2 code=452 status=4.3.1 text=full
C: message: outcome=3 code=550 status= text=no
C: c@d.example: outcome=3 code=550 status= text=no
C: session: outcome=0
