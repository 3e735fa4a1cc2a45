# RFC 6710 4.2, 4.3: the priority goes where it is understood.
MESSAGE from=a@b.example to=bob@d.example priority=-4
TEXT x
MESSAGE from=a@b.example to=bob@d.example priority=0
TEXT x
MESSAGE from=a@b.example to=bob@d.example
TEXT x
S: 220 x
C: EHLO me.test
S: 250-x
S: 250 MT-PRIORITY STANAG4406
C: MAIL FROM:<a@b.example> MT-PRIORITY=-4
S: 550 no
C: MAIL FROM:<a@b.example> MT-PRIORITY=0
S: 550 no
C: MAIL FROM:<a@b.example>
S: 550 no
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=3 ...
C: bob@...
C: message: outcome=3 ...
C: bob@...
C: message: outcome=3 ...
C: bob@...
C: session: outcome=0
