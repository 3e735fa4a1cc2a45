# RFC 5321 appendix D.2: a transaction that is aborted by RSET; the next one is clean.
S: 220 ...
C: EHLO bar.com
S* 250 HELP
C: MAIL FROM:<Smith@bar.com>
S: 250 2.1.0 Sender ok
C: RCPT TO:<Jones@foo.com>
S: 250 2.1.5 Recipient ok
C: RSET
S: 250 2.0.0 Forgotten
C: RCPT TO:<Jones@foo.com>
S: 503 5.5.1 Send MAIL first; no RCPT stands behind BDAT
C: DATA
S: 503 5.5.1 Send MAIL and RCPT first, and do not mix DATA with BDAT
C: MAIL FROM:<>
S: 250 2.1.0 Sender ok
C: RCPT TO:<@hosta.int,@jkl.org:userc@d.bar.org>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <> to <userc@d.bar.org> body=0 utf8=0 ret=0 size=0 received=0 8bit=00
S: Received: from bar.com ([192.0.2.1])
S: 	by mail.demo.test with ESMTP
S: 	id ...
S: 	for <userc@d.bar.org>;
S: 	...
S: == outcome 1
