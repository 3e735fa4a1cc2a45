# RFC 2033 4.2: one reply for each recipient that was accepted, in order. HELO and EHLO are not spoken here.
SET kind=lmtp
ANSWER rcpt Green@ refuse 5.1.1 No such user here
ANSWER lmtp Brown@ refuse 5.2.2 The mailbox is full
ANSWER lmtp White@ retry 4.3.0 Try again later
S: 220 mail.demo.test LMTP penny ready
C: EHLO foo.edu
S: 500 5.5.1 No such command; this is LMTP, send LHLO
C: MAIL FROM:<chris@bar.com>
S: 503 5.5.1 Send LHLO first
C: LHLO foo.edu
S* 250-PIPELINING
S* 250 HELP
C: MAIL FROM:<chris@bar.com>
C: RCPT TO:<pat@foo.edu>
C: RCPT TO:<jones@foo.edu>
C: RCPT TO:<Green@foo.edu>
C: RCPT TO:<Brown@foo.edu>
C: RCPT TO:<White@foo.edu>
C: DATA
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.1.5 Recipient ok
S: 550 5.1.1 No such user here
S: 250 2.1.5 Recipient ok
S: 250 2.1.5 Recipient ok
S: 354 ...
C: Blah blah blah
C: .
C: MAIL FROM:<>
C: RCPT TO:<Green@foo.edu>
C: DATA
S: 250 2.1.5 <pat@foo.edu> delivered, id ...
S: 250 2.1.5 <jones@foo.edu> delivered, id ...
S: 552 5.2.2 <Brown@foo.edu> The mailbox is full
S: 451 4.3.0 <White@foo.edu> Try again later
S: 250 2.1.0 Sender ok
S: 550 5.1.1 No such user here
S: 503 5.5.1 No valid recipients
C: RCPT TO:<pat@foo.edu>
C: BDAT 6
C~ A: b\r\n
C: BDAT 4 LAST
C~ \r\nx\n
S: 250 2.1.5 Recipient ok
S: 250 2.0.0 6 octets received
S: 250 2.1.5 <pat@foo.edu> delivered, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <chris@bar.com> to <pat@foo.edu> to <jones@foo.edu> to <Brown@foo.edu> to <White@foo.edu> ...
S: Received: from foo.edu ([192.0.2.1])
S: 	by mail.demo.test with LMTP
S* == outcome 1
S: == message from <> to <pat@foo.edu> ...
S* == outcome 1
