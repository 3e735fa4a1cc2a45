# Failures are delayed, counted, and end the session; 454 says that it is our fault.
SET kind=submission login=1 login_needs_tls=0 require_login=1 error_max=10
S: 220 ...
C: EHLO client.example.com
S* 250 HELP
C: AUTH CRAM-MD5
S: 534 5.7.9 Authentication mechanism is too weak
C: AUTH SCRAM-SHA-1
S: 534 5.7.9 Authentication mechanism is too weak
C: AUTH GSSAPI
S: 504 5.5.4 That mechanism is not offered
C: AUTH PLAIN AGFs=WNl
S: 501 5.5.2 That is not base64
C: AUTH PLAIN =
WAIT 999
WAIT 1
S: 535 5.7.8 Authentication credentials invalid
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdAB3cm9uZw==
WAIT 1999
WAIT 1
S: 535 5.7.8 Authentication credentials invalid
ANSWER auth * retry 4.7.0 The keys are away
C: AUTH PLAIN AGFsaWNlQGRlbW8udGVzdABzZWNyZXQ=
S: 454 4.7.0 The keys are away
FORGET
C: AUTH PLAIN
S: 334 
C: AGFsaWNlQGRlbW8udGVzdAB3cm9uZw==
WAIT 3000
S: 421 4.7.0 Too many failed logins
CLOSED
