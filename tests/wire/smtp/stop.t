# The server stops: 421 at the next command boundary, a message under way is finished first.
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: DATA
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 354 ...
C: A: b
STOP
C: .
S: 250 2.0.0 Accepted, id ...
S: 421 4.3.2 The server is being stopped, try again later
CLOSED
RESULT
S* == outcome 1
