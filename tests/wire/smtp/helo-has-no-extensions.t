# Parameters belong to extensions, extensions to EHLO (RFC 5321 4.1.1.11: 555).
S: 220 ...
C: HELO a.example
S: 250 mail.demo.test
C: MAIL FROM:<a@b.example> SIZE=5
S: 555 5.5.4 A parameter is unknown here or was not offered
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: RCPT TO:<a@b.example> NOTIFY=NEVER
S: 555 5.5.4 A parameter is unknown here or was not offered
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
