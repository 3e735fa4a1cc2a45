# RFC 5321 appendix D.3: the second half of a relayed message, with trace lines already there; old HELO; null and source-routed paths.
S: 220 ...
C: HELO foo.com
S: 250 mail.demo.test
C: MAIL FROM:<JQP@bar.com>
S: 250 2.1.0 Sender ok
C: RCPT TO:<Jones@XYZ.COM>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: Received: from bar.com by foo.com ; Thu, 21 May 1998
C:     05:33:29 -0700
C: Received: from elsewhere
C: Date: Thu, 21 May 1998 05:33:22 -0700
C: From: John Q. Public <JQP@bar.com>
C: Subject: The Next Meeting of the Board
C: To: Jones@xyz.com
C: 
C: Bill:
C: The next meeting of the board of directors will be
C: on Tuesday.
C:                          John.
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <JQP@bar.com> to <Jones@XYZ.COM> body=0 utf8=0 ret=0 size=... received=2 8bit=00
S: Received: from foo.com ([192.0.2.1])
S: 	by mail.demo.test with SMTP
S: 	id ...
S: 	for <Jones@XYZ.COM>...
S* Received: from bar.com by foo.com ; Thu, 21 May 1998
S:     05:33:29 -0700
S* 
S: Bill:
S* == outcome 1
