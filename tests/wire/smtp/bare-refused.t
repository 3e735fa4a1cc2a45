# bare_refuse: such a message, and such a command line, is refused; the end is found all the same.
SET bare_refuse=1
S: 220 ...
C: EHLO a.example
S* 250 HELP
C~ NOOP\n
S: 500 5.5.2 A line ends with CR LF
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C~ A: b\n.\n
C~ QUIT\n
C: .
C: .
S: 554 5.6.0 A CR or LF stands alone in the message; lines end with CR LF
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
