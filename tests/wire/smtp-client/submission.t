# A submission as penny send does it: EHLO, STARTTLS, EHLO again, AUTH PLAIN, one pipelined group, the message stuffed afresh, QUIT.
SET user=alice@demo.test password=secret tls=required
MESSAGE from=alice@demo.test to=bob@demo.test,carol@demo.test
TEXT From: a\r\n\r\n.one\r\n..two\r\nbare\ncr\rend
S: 220 mail.demo.test ESMTP
C: EHLO me.test
S: 250-mail.demo.test
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-STARTTLS
S: 250 8BITMIME
C: STARTTLS
S: 220 go
TLS
C: EHLO me.test
S: 250-mail.demo.test
S: 250-PIPELINING
S: 250-SIZE 1000000
S: 250-AUTH PLAIN LOGIN
S: 250 8BITMIME
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 235 2.7.0 welcome
C: MAIL FROM:<alice@demo.test> SIZE=35
C: RCPT TO:<bob@demo.test>
C: RCPT TO:<carol@demo.test>
C: DATA
S: 250 2.1.0 ok
S: 250 2.1.5 ok
S: 550-5.1.1 No such
S: 550 5.1.1 person here
S: 354 go on
C: From: a
C: 
C: ..one
C: ...two
C: bare
C: cr
C: end
C: .
S: 250 2.0.0 Accepted, id 7F3K2
C: QUIT
S: 221 2.0.0 bye
CLOSED
RESULT
C: message: outcome=1 code=250 status=2.0.0 text=Accepted, id 7F3K2
C: bob@demo.test: outcome=1 code=250 status=2.0.0 text=Accepted, id 7F3K2
C: carol@demo.test: outcome=3 code=550 status=5.1.1 text=No such person here
C: session: outcome=0
