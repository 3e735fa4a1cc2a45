# RFC 3206 [AUTH]; each failure waits longer, the third ends the session.
SET needs-tls=0
S: +OK mail.demo.test POP3 ready
C: USER alice@demo.test
S: +OK ...
C: PASS wrong
WAIT 999
WAIT 1
S: -ERR [AUTH] The user name or the password is wrong
C: PASS secret pass
S: -ERR Send USER first
C: USER nobody@demo.test
S: +OK ...
C: PASS  secret pass
WAIT 2000
S: -ERR [AUTH] The user name or the password is wrong
C: USER alice@demo.test
S: +OK ...
C: PASS secret pass 
WAIT 3000
S: -ERR [AUTH] Too many failed logins
CLOSED
