# RFC 5321 appendix D.1: a typical transaction. One of three recipients is unknown.
ANSWER rcpt Green@ refuse 5.1.1 No such mailbox
S: 220 mail.demo.test ESMTP penny ready
C: EHLO bar.com
S: 250-mail.demo.test greets bar.com
S: 250-PIPELINING
S: 250-SIZE 100000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250-CHUNKING
S: 250-BINARYMIME
S: 250-DSN
S: 250-MT-PRIORITY MIXER
S: 250-LIMITS RCPTMAX=10
S: 250 HELP
C: MAIL FROM:<Smith@bar.com>
S: 250 2.1.0 Sender ok
C: RCPT TO:<Jones@foo.com>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<Green@foo.com>
S: 550 5.1.1 No such mailbox
C: RCPT TO:<Brown@foo.com>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 Send the message; a line with a single dot ends it
C: Blah blah blah...
C: ...etc. etc. etc.
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <Smith@bar.com> to <Jones@foo.com> to <Brown@foo.com> body=0 utf8=0 ret=0 size=37 received=0 8bit=00
S: Received: from bar.com ([192.0.2.1])
S: 	by mail.demo.test with ESMTP
S: 	id ...;
S: 	Mon, 24 Nov 2025 19:20:01 +0000
S: 
S: Blah blah blah...
S: ..etc. etc. etc.
S: == outcome 1
