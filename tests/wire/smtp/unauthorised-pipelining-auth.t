WHOLE-ONLY
SET login=1 login_needs_tls=0 kind=submission
S: 220 ...
C: EHLO client.example
S* 250 HELP
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
C: MAIL FROM:<a@b.example>
S: 554 5.5.0 Input came before the reply to AUTH
CLOSED
