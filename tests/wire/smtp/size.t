# RFC 1870: refused at MAIL by SIZE; while streaming, the rest is read and thrown away, and the session goes on.
SET message_max=40
S: 220 ...
C: EHLO a.example
S* 250-SIZE 40
S* 250 HELP
C: MAIL FROM:<a@b.example> SIZE=41
S: 552 5.3.4 The message is larger than this server takes
C: MAIL FROM:<a@b.example> SIZE=99999999999999999999
S: 552 5.3.4 The message is larger than this server takes
C: MAIL FROM:<a@b.example> SIZE=40
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: A: 5678
C: 
C: 3456789012345678901234567
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<c@d.example>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: A: 56789
C: 
C: 3456789012345678901234567
C: ..
C: QUIT
C: .
S: 552 5.3.4 The message is larger than this server takes
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <a@b.example> to <c@d.example> body=0 utf8=0 ret=0 size=38 received=0 8bit=00
S* == outcome 1
