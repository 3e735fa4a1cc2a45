# A message that we refuse ourselves still has one reply for each recipient in LMTP.
SET kind=lmtp message_max=10
S: 220 ...
C: LHLO foo.edu
S* 250 HELP
C: MAIL FROM:<chris@bar.com>
C: RCPT TO:<pat@foo.edu>
C: RCPT TO:<jones@foo.edu>
C: DATA
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.1.5 Recipient ok
S: 354 ...
C: Blah blah blah
C: .
S: 552 5.3.4 <pat@foo.edu> The message is larger than this server takes
S: 552 5.3.4 <jones@foo.edu> The message is larger than this server takes
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
