# RFC 5321 4.5.3.1.10: too many recipients is 452, those accepted stay.
S: 220 ...
C: EHLO a.example
S* 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<u0@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u1@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u2@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u3@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u4@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u5@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u6@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u7@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u8@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u9@d.example>
S: 250 2.1.5 Recipient ok
C: RCPT TO:<u11@d.example>
S: 452 4.5.3 Too many recipients; send this message again for the others
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <a@b.example> to <u0@d.example> ... to <u9@d.example> body=0 ...
S* == outcome 1
