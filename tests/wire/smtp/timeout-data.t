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
WAIT 300000
S: 421 4.4.2 The message did not come to its end in time
CLOSED
RESULT
