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
S: +OK 2 100
C: LIST
S: +OK
S: 2 50
S: 1 50
CLOSED
RESULT
C: end: retry the server's list of messages is broken
