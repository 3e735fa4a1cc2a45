# RFC 8689 2: REQUIRETLS is offered and taken under TLS only; what came with it is marked.
SET offer_tls=1
S: 220 ...
C: EHLO mail.example.org
S* 250-STARTTLS
S: 250-LIMITS RCPTMAX=10
S: 250 HELP
C: MAIL FROM:<roger@example.org> REQUIRETLS
S: 555 5.5.4 A parameter is unknown here or was not offered
C: STARTTLS
S: 220 2.0.0 Go ahead
TLS
C: EHLO mail.example.org
S* 250-REQUIRETLS
S: 250-LIMITS RCPTMAX=10
S: 250 HELP
C: MAIL FROM:<roger@example.org> REQUIRETLS=yes
S: 501 5.5.4 This parameter takes no value
C: MAIL FROM:<roger@example.org> REQUIRETLS requiretls
S: 501 5.5.4 A parameter is given twice
C: MAIL FROM:<roger@example.org> REQUIRETLS
S: 250 2.1.0 Sender ok
C: RCPT TO:<editor@example.net>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: .
S: 250 2.0.0 Accepted, id ...
C: MAIL FROM:<roger@example.org>
S: 250 2.1.0 Sender ok
C: RCPT TO:<editor@example.net>
S: 250 2.1.5 Recipient ok
C: DATA
S: 354 ...
C: TLS-Required: No
C: 
C: .
S: 250 2.0.0 Accepted, id ...
C: HELO mail.example.org
S: 250 ...
C: MAIL FROM:<roger@example.org> REQUIRETLS
S: 555 5.5.4 A parameter is unknown here or was not offered
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
RESULT
S: == message from <roger@example.org> to <editor@example.net> body=0 utf8=0 ret=0 size=0 received=0 8bit=00 requiretls
S* == outcome 1
S: == message from <roger@example.org> to <editor@example.net> body=0 utf8=0 ret=0 size=20 received=0 8bit=00
S* == outcome 1
