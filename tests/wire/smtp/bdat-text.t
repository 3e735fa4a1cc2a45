# Text in chunks has no dots to remove and no end but the count; line ends are put right, over the borders of chunks too.
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
C: RCPT TO:<c@d.example>
C: BDAT 16
C~ A: b\r\n\r\n.\r\n..\nx\r
C: BDAT 5
C~ \ny\rz\r
C: BDAT 0 LAST
S: 250 2.1.0 Sender ok
S: 250 2.1.5 Recipient ok
S: 250 2.0.0 16 octets received
S: 250 2.0.0 5 octets received
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S* A: b
S: 
S: .
S: ..
S: x
S: y
S: z
S: == outcome 1
