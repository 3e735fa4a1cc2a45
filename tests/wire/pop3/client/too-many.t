SET few
S: +OK ready
C: CAPA
S: +OK
S: USER
S: .
C: USER alice@demo.test
S: +OK
C: PASS secret pass
S: +OK
C: STAT
S: +OK 3 100
CLOSED
RESULT
C: end: refuse the maildrop holds more messages than can be listed
