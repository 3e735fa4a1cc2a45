SET offer_tls=1
S: 220 ...
C: EHLO mail.example.com
S* 250 HELP
C: MAIL FROM:<a@b.example>
S: 250 2.1.0 Sender ok
C: STARTTLS
S: 503 5.5.1 STARTTLS stands outside of a transaction
C: AUTH PLAIN
S: 503 5.5.1 AUTH stands outside of a transaction
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
