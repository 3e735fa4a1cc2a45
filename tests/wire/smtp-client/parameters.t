# Everything that the envelope may carry, where it is offered.
MESSAGE from=jos\xc3\xa9@b.example to=bob@d.example utf8=1 body=8bit ret=hdrs envid=a=b+c notify=12 orcpt=rfc822;b+b@x
TEXT \xc3\xa9\r\n
S: 220 x
C: EHLO me.test
S: 250-x
S: 250-SIZE
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-AUTH=PLAIN
S: 250 DSN
C: MAIL FROM:<josé@b.example> SIZE=4 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+3Db+2Bc
S: 250 ok
C: RCPT TO:<bob@d.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b+2Bb@x
S: 251 will forward
C: DATA
S: 354 ok
C: é
C: .
S: 250 ok
C: QUIT
S: 221 x
CLOSED
RESULT
C: message: outcome=1 code=250 status= text=ok
C: bob@d.example: outcome=1 code=250 status= text=ok
C: session: outcome=0
