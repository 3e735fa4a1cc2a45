S: 220 ...
C: EHLO mail.example.com
S* 250 HELP
C: STARTTLS
S: 502 5.5.1 TLS is not offered here
C: AUTH PLAIN
S: 502 5.5.1 No logins here
C: QUIT
S: 221 2.0.0 Goodbye
CLOSED
