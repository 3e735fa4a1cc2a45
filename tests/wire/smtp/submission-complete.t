# RFC 6409 8: Date, Message-ID and From are added, Bcc goes (folded too, Resent-Bcc too), Sender stays.
SET kind=submission add_missing=1
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<alice@demo.test>
S: 250 2.1.0 Sender ok
C: RCPT TO:<bob@demo.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: To: bob@demo.test
C: bcc: hidden@demo.test,
C: 	also@demo.test
C: Resent-Bcc : third@demo.test
C: Bccx: stays
C: Sender: s@demo.test
C: Subject: hello
C: 
C: Bcc: this is text
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<alice@demo.test>
S: 250 2.1.0 Sender ok
C: RCPT TO:<bob@demo.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: From: alice@demo.test
C: Message-ID: <1@x>
C: Date: Tue, 24 Nov 2026 19:20:01 +0000
C: 
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<alice@demo.test>
S: 250 2.1.0 Sender ok
C: RCPT TO:<bob@demo.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: From: a@demo.test
C: From: b@demo.test
C: 
C: .
S: 554 5.6.0 The message has more than one From field
C: MAIL FROM:<>
S: 250 2.1.0 Sender ok
C: RCPT TO:<bob@demo.test>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: just text
C: .
S: 554 5.6.0 The message has no From field and no sender to make one of
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <alice@demo.test> to <bob@demo.test> body=0 ...
S* From: alice@demo.test
S: Date: Mon, 24 Nov 2025 19:20:01 +0000
S: Message-ID: <...@mail.demo.test>
S: To: bob@demo.test
S: Bccx: stays
S: Sender: s@demo.test
S: Subject: hello
S: 
S: Bcc: this is text
S: == outcome 1
S: == message from <alice@demo.test> to <bob@demo.test> body=0 ...
S: Received: ...
S: 	by ...
S: 	id ...
S: 	for ...
S: 	... +0000
S: From: alice@demo.test
S: Message-ID: <1@x>
S: Date: Tue, 24 Nov 2026 19:20:01 +0000
S: 
S: == outcome 1
